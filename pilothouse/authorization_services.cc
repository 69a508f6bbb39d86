#include "pilothouse/authorization_services.h"

#include "daemon/server_access.h"
#include "net/client.h"
#include "pilothouse/version.h"
#include "pilothouse/webhooks.h"

namespace ph::pilothouse {

apiserver::ConnectAuthorizer authorization_services(net::IoThreads& io, Executor& executor) {
  return [&io, &executor](const apiserver::AuthorizationWebhook& webhook) {
    // This server is the one that a pod's own configuration would name.
    if (webhook.kubeconfig.empty())
      throw std::runtime_error("connectionInfo: type InClusterConfig is not allowed for kube-apiserver");
    const daemon::ClientConfig config = daemon::load_kubeconfig(webhook.kubeconfig);
    net::ClientOptions options = daemon::client_options(config);
    options.user_agent = user_agent("kube-apiserver");
    options.connect_timeout = webhook.timeout;
    if (!config.token.empty()) options.bearer_token = [token = config.token] { return token; };
    return apiserver::AuthorizationService{.transport = net::https_transport(io, executor, std::move(options)),
                                           .path = backend_of(config).path};
  };
}

}  // namespace ph::pilothouse
