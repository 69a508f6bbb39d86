// What the controller manager and the scheduler, as programs of their own, stand on: the way to the apiserver, the secure
// port, the election. Each of these has a thread of its own, so that the component's work delays none of them.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/metrics.h"
#include "base/process_metrics.h"
#include "base/rng.h"
#include "base/time.h"
#include "daemon/flags.h"
#include "daemon/pages.h"
#include "daemon/part.h"
#include "daemon/server_access.h"
#include "daemon/serving.h"
#include "election/lease_election.h"
#include "net/event_loop.h"

namespace ph::pilothouse {

struct ElectedDaemonOptions {
  std::string component;  // "kube-scheduler"
  daemon::AccessOptions access;
  const daemon::ServingOptions& serving;  // outlives the daemon
  const election::ElectionOptions& election;
  const daemon::FlagSet& flags;
  std::string config_group;                  // of /configz: "kubescheduler.config.k8s.io"
  std::function<std::string()> config_json;  // Threads: any
  Log log;
  std::vector<daemon::Page> pages = {};  // besides those that every daemon has
};

class ElectedDaemon {
 public:
  // Reads the kubeconfig and opens the secure port. Throws in words for an administrator.
  explicit ElectedDaemon(ElectedDaemonOptions options);
  // Ends the election as a crash would, unless `stop` has been called.
  ~ElectedDaemon();

  // The parts a component is made with. `leadership` is null when there is no election.
  net::IoThreads& io() { return io_; }
  const Clock& clock() const { return clock_; }
  Rng& rng() { return rng_; }
  const Log& log() const { return options_.log; }
  daemon::ServerAccess& access() { return access_; }
  std::shared_ptr<election::Leadership> leadership() const { return leadership_; }
  Metrics& metrics() { return metrics_; }

  // Competes for the lease; `started` and `stopped` are called on `on`. Without an election `started` is posted at once.
  // When `stopped` returns, nothing of the term may run any more.
  void lead(Executor& on, std::function<void()> started, std::function<void()> stopped);

  // Ends the term and hands the lease back. Not on any of the daemon's threads; `on` must still run.
  void stop();

  // What /readyz waits for, besides what is said at construction. Threads: any.
  void set_ready(bool ready) { ready_ = ready; }

 private:
  std::vector<HealthCheck> checks();
  std::vector<daemon::Page> pages();
  Task<std::string> metrics_text();

  const ElectedDaemonOptions options_;
  const SystemClock clock_;
  SystemRng rng_;
  Metrics metrics_;
  net::IoThreads io_;
  daemon::ServerAccess access_;
  std::shared_ptr<election::Leadership> leadership_;
  std::atomic<bool> ready_ = false;
  std::optional<daemon::Part<daemon::Serving>> serving_;
  std::optional<daemon::Part<Scope>> files_;
  std::optional<ProcessMetrics> process_;  // on the executor of `files_`
  std::optional<daemon::Part<election::LeaseElection>> election_;
  Executor* component_ = nullptr;
  std::function<void()> stopped_;
};

}  // namespace ph::pilothouse
