// LoopHost: runs chosen loops on one executor. It owns their queues, workers, clients and recorders; docs/controllers.md says
// what a loop may rely on.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "controllers/registry.h"
#include "controllers/runtime/options.h"
#include "controllers/runtime/own_writes.h"
#include "controllers/runtime/work_queue.h"

namespace ph::controllers {

// What one loop has done since its start.
struct LoopStats {
  QueueStats queue;
  std::size_t depth = 0;       // keys that wait for a worker
  std::size_t delayed = 0;     // keys that wait for their time
  std::size_t unfinished = 0;  // keys in work, or held until the loop's own writes are seen
  Duration longest_running{};
  std::uint64_t reconciles = 0;
  std::uint64_t errors = 0;  // exceptions out of reconcile
  std::uint64_t held = 0;    // times a key waited for own writes
  OwnWriteStats writes;
};

struct HostParts {
  Executor& executor;
  // The way of a loop's requests to the server, by the loop's name; may be one for all. Outlives the host.
  std::function<Transport&(std::string_view loop)> transport;
  Informers& informers;  // shared by all loops, and with whoever else
  Rng& rng;
  Log log;
  const Options& options;
  std::string version = "v1.36";  // in the user agent, behind "kube-controller-manager/"
  Metrics* metrics = nullptr;
  informers::ClientMetrics* client_metrics = nullptr;  // of the loops' requests
};

class LoopHost {
 public:
  // All that `parts` refers to must outlive the host.
  LoopHost(HostParts parts, std::vector<const LoopEntry*> loops);
  ~LoopHost();

  // Begins to fill the caches the loops need, without running them: a standby is warm.
  void warm();
  // Each loop runs as soon as the informers it asked for are complete. After `stop` it may be called again.
  void start();
  // Ends all work where it is; nothing of a loop runs afterwards.
  void stop();
  bool running() const;

  // Resumes when every loop runs, or the host has stopped.
  Task<void> wait_running();
  // No key waits for a worker, is in work, or is held.
  bool idle() const;
  // Nothing when the loop is not among those of this host, or not running.
  std::optional<LoopStats> stats(std::string_view loop) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ph::controllers
