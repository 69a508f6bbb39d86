// How the apiserver reaches admission webhooks: outbound calls, to nobody but who is configured.
#pragma once

#include "apiserver/admission/webhook/transports.h"
#include "net/event_loop.h"

namespace ph::pilothouse {

// For an apiserver on `executor`; both must outlive it.
apiserver::WebhookTransports webhook_transports(net::IoThreads& io, Executor& executor);

}  // namespace ph::pilothouse
