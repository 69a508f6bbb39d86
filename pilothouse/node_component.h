// The hollow nodes of a process, and how their logs are read from elsewhere in it.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/sync.h"
#include "informers/client.h"
#include "informers/informer.h"
#include "informers/metrics.h"
#include "node/hollow.h"
#include "pilothouse/connector.h"

namespace ph::pilothouse {

// The way to the nodes of this process, wherever they run; set when they start, taken away before they end. Threads: any.
class NodeDoor {
 public:
  void attach(Executor* executor, node::HollowNodes* nodes);

  // What `question` says of them, on their thread; nothing: there are none.
  template <class Answer>
  Task<std::optional<Answer>> ask(std::function<Answer(const node::HollowNodes&)> question) const {
    Completion<std::optional<Answer>> answer;
    {
      const std::lock_guard lock(mutex_);
      if (!executor_) co_return std::nullopt;
      executor_->post([this, answer, question = std::move(question)] {
        // On the nodes' thread: they cannot go away while this runs.
        answer.set(nodes_ ? std::optional<Answer>(question(*nodes_)) : std::nullopt);
      });
    }
    co_return co_await answer.get();
  }

 private:
  mutable std::mutex mutex_;
  Executor* executor_ = nullptr;
  node::HollowNodes* nodes_ = nullptr;
};

// Hands `kubectl logs` on to them.
class NodeLogs final : public NodeDoor {
 public:
  Task<std::optional<node::ContainerLog>> read(ObjectKey pod, std::string container, bool previous) const;
};

// Made and destroyed on its executor. `metrics` may be null, and outlives it. `static_pods`: a folder of manifests; empty: there are none.
struct NodeComponent {
  NodeComponent(Executor& executor, const Connector& connector, node::HollowOptions options, Rng& rng, Log log,
                Metrics* metrics = nullptr, const std::string& static_pods = {});
  ~NodeComponent();
  informers::ClientMetrics client_metrics;
  std::unique_ptr<Transport> transport;
  informers::Client client;
  informers::Informers informers;
  node::HollowNodes nodes;
  Scope scope;  // last: its tasks use the nodes
};

}  // namespace ph::pilothouse
