#include "tests/sim/programs.h"

#include <sstream>

#include "election/lease_election.h"
#include "pilothouse/components.h"
#include "pilothouse/flags/scheduler.h"

namespace ph::sim {
namespace {

void count_informers(const informers::Informers& informers, Tally& out) {
  const auto stats = informers.stats();
  out.rare["watches resumed"] += stats.resumes;
  out.rare["states read again"] += stats.relists;
  out.rare["events ignored as repeated"] += stats.repeats;
}

class Manager final : public Program {
 public:
  Manager(Executor& executor, const pilothouse::Connector& connector, const std::string& loops,
          const controllers::Options& options, Rng& rng, const Log& log, Metrics* metrics,
          std::shared_ptr<election::Leadership> leadership = nullptr)
      : loops_(pilothouse::chosen_loops(loops)),
        component_(executor, connector, options, loops_, rng, log, metrics, std::move(leadership)) {}

  void lead(bool leads) override {
    if (leads) return component_.host->start();
    count_loops(before_);
    component_.host->stop();
  }

  void count(Tally& out) const override {
    out.add(before_);
    count_loops(out);
    count_informers(component_.informers, out);
  }

 private:
  void count_loops(Tally& out) const {
    for (const controllers::LoopEntry* loop : loops_) {
      const auto stats = component_.host->stats(loop->name);
      if (!stats) continue;
      out.reconciles += stats->reconciles;
      out.rare["keys held for own writes"] += stats->held;
      out.rare["reconciles that failed"] += stats->errors;
      out.rare["writes of unknown outcome"] += stats->writes.unknown;
      out.rare["writes from a stale cache"] += stats->writes.stale;
      out.rare["outcomes found out"] += stats->writes.resolved;
      out.rare["outcomes found out: gone"] += stats->writes.gone;
    }
  }

  const std::vector<const controllers::LoopEntry*> loops_;
  pilothouse::ManagerComponent component_;
  Tally before_;  // of earlier terms
};

class ElectedManager final : public Program {
 public:
  ElectedManager(Executor& executor, const pilothouse::Connector& connector, const std::string& loops,
                 const controllers::Options& options, Rng& rng, const Log& log, Metrics* metrics)
      : manager_(executor, connector, loops, options, rng, log, metrics, leadership_),
        election_({.executor = executor,
                   .rng = rng,
                   .log = log,
                   .leadership = leadership_,
                   .identity = election::election_identity("sim", rng),
                   .component = "kube-controller-manager",
                   .user_agent = "kube-controller-manager/sim leader-election",
                   .connect = [&executor,
                               &connector] { return connector.connect(executor, pilothouse::controller_manager_identity()); },
                   .metrics = metrics},
                  election::ElectionOptions{.resource_name = "kube-controller-manager"},
                  {.on = &executor,
                   .started_leading = [this] { manager_.lead(true); },
                   .stopped_leading = [this] { manager_.lead(false); },
                   .new_leader = {}}) {
    election_.start();
  }

  void count(Tally& out) const override {
    manager_.count(out);
    const election::ElectionStats stats = election_.stats();
    out.rare["terms begun"] += stats.terms;
    out.rare["renewals that read the lease"] += stats.slow_paths;
    out.rare["requests about the lease given up"] += stats.abandoned;
    out.rare["writes not sent without a lease"] += leadership_->refused_writes();
  }

 private:
  const std::shared_ptr<election::Leadership> leadership_ = std::make_shared<election::Leadership>();
  Manager manager_;
  election::LeaseElection election_;
};

std::vector<std::string> flags_of(const std::string& config) {
  std::vector<std::string> out;
  if (!config.starts_with("# --")) return out;
  std::istringstream words(config.substr(2, config.find('\n') - 2));
  for (std::string word; words >> word;) out.push_back(word);
  return out;
}

scheduler::Configuration configuration_of(const std::string& config) {
  auto out = config.empty() ? scheduler::Configuration::defaults() : scheduler::Configuration::parse(config);
  const std::vector<std::string> given = flags_of(config);
  if (given.empty()) return out;
  pilothouse::SchedulerOptions options;
  daemon::FlagSet flags("kube-scheduler");
  pilothouse::add_flags(flags, options);
  flags.parse(given);
  out.unschedulable_max = options.unschedulable_max;
  return out;
}

class SchedulerProgram final : public Program {
 public:
  SchedulerProgram(Executor& executor, const pilothouse::Connector& connector, const std::string& config,
                   const scheduler::ExtenderTransports& extenders, Rng& rng, const Log& log, Metrics* metrics)
      : component_(executor, connector, configuration_of(config), executor.clock(), rng, log, metrics, nullptr, extenders) {}
  void lead(bool leads) override {
    if (leads && !component_.scheduler) component_.start();
    if (leads) return;
    count_attempts(before_);
    component_.stop();
  }

  void count(Tally& out) const override {
    out.add(before_);
    count_attempts(out);
    count_informers(component_.informers, out);
  }

 private:
  void count_attempts(Tally& out) const {
    if (!component_.scheduler) return;
    const auto stats = component_.scheduler->stats();
    out.rare["attempts without a node"] += stats.unschedulable;
    out.rare["attempts that failed"] += stats.errors;
  }

  pilothouse::SchedulerComponent component_;
  Tally before_;  // of earlier terms
};

class Nodes final : public Program {
 public:
  Nodes(Executor& executor, const pilothouse::Connector& connector, const node::HollowOptions& options, Rng& rng, const Log& log,
        Metrics* metrics)
      : component_(executor, connector, options, rng, log, metrics), scope_(executor) {
    scope_.spawn(component_.nodes.start());
  }

 private:
  pilothouse::NodeComponent component_;
  Scope scope_;
};

}  // namespace

std::unique_ptr<Program> manager_program(Executor& executor, const pilothouse::Connector& connector, const std::string& loops,
                                         const controllers::Options& options, Rng& rng, const Log& log, Metrics* metrics) {
  return std::make_unique<Manager>(executor, connector, loops, options, rng, log, metrics);
}

std::unique_ptr<Program> elected_manager_program(Executor& executor, const pilothouse::Connector& connector,
                                                 const std::string& loops, const controllers::Options& options, Rng& rng,
                                                 const Log& log, Metrics* metrics) {
  return std::make_unique<ElectedManager>(executor, connector, loops, options, rng, log, metrics);
}

std::unique_ptr<Program> scheduler_program(Executor& executor, const pilothouse::Connector& connector, const std::string& config,
                                           const scheduler::ExtenderTransports& extenders, Rng& rng, const Log& log,
                                           Metrics* metrics) {
  return std::make_unique<SchedulerProgram>(executor, connector, config, extenders, rng, log, metrics);
}

std::unique_ptr<Program> nodes_program(Executor& executor, const pilothouse::Connector& connector,
                                       const node::HollowOptions& options, Rng& rng, const Log& log, Metrics* metrics) {
  return std::make_unique<Nodes>(executor, connector, options, rng, log, metrics);
}

}  // namespace ph::sim
