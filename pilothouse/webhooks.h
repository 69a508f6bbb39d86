// How the apiserver reaches admission webhooks: outbound calls, to nobody but who is configured. So are the backends of its admission plugins.
#pragma once

#include "apiserver/admission/webhook/transports.h"
#include "daemon/kubeconfig.h"
#include "net/event_loop.h"
#include "net/tls.h"

namespace ph::pilothouse {

// How TLS is spoken there.
net::TlsClientOptions tls_of(const apiserver::WebhookAddress& address);

// For an apiserver on `executor`; both must outlive it.
apiserver::WebhookTransports webhook_transports(net::IoThreads& io, Executor& executor);

// Who a kubeconfig's server is: its address without the path, which is "/" where there is none, and what is shown there.
apiserver::WebhookBackend backend_of(const daemon::ClientConfig& config);
// Reads kubeconfigs that say who else is called. Such a file is read once.
apiserver::WebhookBackends webhook_backends();

}  // namespace ph::pilothouse
