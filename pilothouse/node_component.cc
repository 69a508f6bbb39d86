#include "pilothouse/node_component.h"

#include "pilothouse/version.h"

namespace ph::pilothouse {

void NodeLogs::attach(Executor* executor, node::HollowNodes* nodes) {
  const std::lock_guard lock(mutex_);
  executor_ = executor;
  nodes_ = nodes;
}

Task<std::optional<node::ContainerLog>> NodeLogs::read(ObjectKey pod, std::string container, bool previous) const {
  Completion<std::optional<node::ContainerLog>> answer;
  {
    const std::lock_guard lock(mutex_);
    if (!executor_) co_return std::nullopt;
    executor_->post([this, answer, pod = std::move(pod), container = std::move(container), previous] {
      // On the nodes' thread: they cannot go away while this runs.
      answer.set(nodes_ ? nodes_->log(pod, container, previous) : std::nullopt);
    });
  }
  co_return co_await answer.get();
}

NodeComponent::NodeComponent(Executor& executor, const Connector& connector, node::HollowOptions options, Rng& rng, Log log,
                             Metrics* metrics)
    : client_metrics(metrics, connector.host()),
      transport(connector.connect(executor, nodes_identity())),
      client(*transport, user_agent("kubelet")),
      informers(executor, client, rng, log.named("informers"), metrics),
      nodes({executor, client, informers, log.named("node")}, std::move(options)) {
  client.measure(&client_metrics);
}

NodeComponent::~NodeComponent() = default;

}  // namespace ph::pilothouse
