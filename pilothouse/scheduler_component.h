// The scheduler of a process. Made and destroyed on its executor. `metrics` may be null, and outlives it.
#pragma once

#include <memory>
#include <span>

#include "election/leadership.h"
#include "informers/client.h"
#include "informers/informer.h"
#include "informers/metrics.h"
#include "pilothouse/connector.h"
#include "scheduler/scheduler.h"

namespace ph::pilothouse {

// Solvers of flow networks that run side by side, one of them on a thread of its own: for programs.
scheduler::FlowSolvers racing_solvers();

// With a leadership it begins as a standby with warm caches, and its writes leave only while that is certain.
struct SchedulerComponent {
  SchedulerComponent(Executor& executor, const Connector& connector, scheduler::Configuration configuration, const Clock& clock,
                     Rng& rng, Log log, Metrics* metrics = nullptr, std::shared_ptr<election::Leadership> leadership = nullptr,
                     scheduler::ExtenderTransports extenders = {}, std::span<const scheduler::PluginEntry> plugins = {},
                     scheduler::FlowSolvers flow_solvers = {});
  ~SchedulerComponent();
  // Without a leadership it has been started.
  void start();
  // Ends all work where it is; the caches stay. May be started again.
  void stop();
  // From now on this one counts. Throws, and leaves the old one in force, when it cannot be used; else what is under way comes to its
  // end first.
  Task<void> reconfigure(scheduler::Configuration next);

  Executor& executor;
  scheduler::Configuration configuration;
  const Clock& clock;
  Rng& rng;
  const Log log;
  Metrics* const metrics;
  const scheduler::ExtenderTransports extenders;
  const std::span<const scheduler::PluginEntry> plugins;  // beside those that are compiled in
  const scheduler::FlowSolvers flow_solvers;              // none: on the executor's thread, the same each time
  const std::string host;
  informers::ClientMetrics client_metrics;
  std::unique_ptr<Transport> unguarded, transport;
  informers::Client client;
  informers::Informers informers;
  std::unique_ptr<scheduler::Scheduler> scheduler;  // null: not started
  std::unique_ptr<Scope> scope;

 private:
  std::unique_ptr<scheduler::Scheduler> make(const scheduler::Configuration& configuration, Metrics* metrics);
};

}  // namespace ph::pilothouse
