// How the apiserver reaches the webhooks that it asks about access: as their kubeconfigs say.
#pragma once

#include "apiserver/authz/webhook.h"
#include "net/event_loop.h"

namespace ph::pilothouse {

// For an apiserver on `executor`; both must outlive it. The file is read when the connection is made.
apiserver::ConnectAuthorizer authorization_services(net::IoThreads& io, Executor& executor);

}  // namespace ph::pilothouse
