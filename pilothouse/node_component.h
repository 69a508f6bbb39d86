// The hollow nodes of a process, and how their logs are read from elsewhere in it.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/log.h"
#include "informers/client.h"
#include "informers/informer.h"
#include "informers/metrics.h"
#include "node/hollow.h"
#include "pilothouse/connector.h"

namespace ph::pilothouse {

// Hands `kubectl logs` on to the nodes, wherever they run; set when they start, taken away before they end.
class NodeLogs {
 public:
  // Threads: any.
  void attach(Executor* executor, node::HollowNodes* nodes);
  Task<std::optional<node::ContainerLog>> read(ObjectKey pod, std::string container, bool previous) const;

 private:
  mutable std::mutex mutex_;
  Executor* executor_ = nullptr;
  node::HollowNodes* nodes_ = nullptr;
};

// Made and destroyed on its executor. `metrics` may be null, and outlives it.
struct NodeComponent {
  NodeComponent(Executor& executor, const Connector& connector, node::HollowOptions options, Rng& rng, Log log,
                Metrics* metrics = nullptr);
  ~NodeComponent();
  informers::ClientMetrics client_metrics;
  std::unique_ptr<Transport> transport;
  informers::Client client;
  informers::Informers informers;
  node::HollowNodes nodes;
};

}  // namespace ph::pilothouse
