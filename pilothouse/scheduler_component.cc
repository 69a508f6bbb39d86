#include "pilothouse/scheduler_component.h"

#include "election/guarded_transport.h"
#include "pilothouse/version.h"

namespace ph::pilothouse {

scheduler::FlowSolvers racing_solvers() {
  return [] { return scheduler::flow::make_race(scheduler::flow::Turns::kSideBySide); };
}

SchedulerComponent::SchedulerComponent(Executor& executor, const Connector& connector, scheduler::Configuration configuration,
                                       const Clock& clock, Rng& rng, Log log, Metrics* metrics,
                                       std::shared_ptr<election::Leadership> leadership, scheduler::ExtenderTransports extenders,
                                       std::span<const scheduler::PluginEntry> plugins, scheduler::FlowSolvers flow_solvers)
    : executor(executor),
      configuration(std::move(configuration)),
      clock(clock),
      rng(rng),
      log(std::move(log)),
      metrics(metrics),
      extenders(std::move(extenders)),
      plugins(plugins),
      flow_solvers(std::move(flow_solvers)),
      host(connector.host()),
      client_metrics(metrics, connector.host()),
      unguarded(connector.connect(executor, scheduler_identity())),
      transport(leadership ? election::guarded_transport(*unguarded, leadership, clock) : std::move(unguarded)),
      client(*transport, user_agent("kube-scheduler")),
      informers(executor, client, rng, this->log.named("informers"), metrics) {
  client.measure(&client_metrics);
  start();  // what is wrong with the configuration is said now, standby or not
  if (!leadership) return;
  stop();
  if (!this->configuration.delay_cache_until_active) scheduler::Scheduler::warm(informers, this->configuration);
}

SchedulerComponent::~SchedulerComponent() { stop(); }

std::unique_ptr<scheduler::Scheduler> SchedulerComponent::make(const scheduler::Configuration& configuration, Metrics* metrics) {
  return std::make_unique<scheduler::Scheduler>(scheduler::SchedulerWorld{.executor = executor,
                                                                          .clock = clock,
                                                                          .rng = rng,
                                                                          .client = client,
                                                                          .informers = informers,
                                                                          .host = host,
                                                                          .log = log.named("scheduler"),
                                                                          .metrics = metrics,
                                                                          .plugins = plugins,
                                                                          .extender_transports = extenders,
                                                                          .flow_solvers = flow_solvers},
                                                configuration);
}

void SchedulerComponent::start() {
  if (scheduler) return;
  scheduler = make(configuration, metrics);
  scope = std::make_unique<Scope>(executor, [log = log](std::exception_ptr error) {
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& e) {
      log.error("the scheduler ended", "error", e.what());
    }
  });
  scope->spawn(scheduler->run());
}

void SchedulerComponent::stop() {
  scope.reset();
  scheduler.reset();
}

Task<void> SchedulerComponent::reconfigure(scheduler::Configuration next) {
  constexpr Duration kPatience = 30s;
  make(next, nullptr);
  configuration = std::move(next);
  if (!scheduler) co_return;  // a standby
  co_await scheduler->drain(kPatience);
  if (!scheduler) co_return;
  stop();
  start();
}

}  // namespace ph::pilothouse
