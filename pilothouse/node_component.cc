#include "pilothouse/node_component.h"

#include "pilothouse/static_pod_folder.h"
#include "pilothouse/version.h"

namespace ph::pilothouse {

void NodeDoor::attach(Executor* executor, node::HollowNodes* nodes) {
  const std::lock_guard lock(mutex_);
  executor_ = executor;
  nodes_ = nodes;
}

Task<std::optional<node::ContainerLog>> NodeLogs::read(ObjectKey pod, std::string container, bool previous) const {
  auto log = co_await ask<std::optional<node::ContainerLog>>(
      [pod = std::move(pod), container = std::move(container), previous](const node::HollowNodes& nodes) {
        return nodes.log(pod, container, previous);
      });
  co_return log ? std::move(*log) : std::nullopt;
}

NodeComponent::NodeComponent(Executor& executor, const Connector& connector, node::HollowOptions options, Rng& rng, Log log,
                             Metrics* metrics, const std::string& static_pods)
    : client_metrics(metrics, connector.host()),
      transport(connector.connect(executor, nodes_identity())),
      client(*transport, user_agent("kubelet")),
      informers(executor, client, rng, log.named("informers"), metrics),
      nodes({executor, client, informers, log.named("node")}, std::move(options)),
      scope(executor) {
  if (!static_pods.empty()) scope.spawn(follow_static_pods(nodes, static_pods, log.named("node")));
  client.measure(&client_metrics);
}

NodeComponent::~NodeComponent() = default;

}  // namespace ph::pilothouse
