#include "scheduler/scheduler.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace ph::scheduler {

Scheduler::Scheduler(SchedulerWorld world, Configuration configuration)
    : world_(world),
      configuration_(std::move(configuration)),
      metrics_(world.metrics, world.clock),
      waiting_(world.executor),
      queue_(world.clock,
             {.backoff_initial = configuration_.pod_initial_backoff,
              .backoff_max = configuration_.pod_max_backoff,
              .unschedulable_max = configuration_.unschedulable_max,
              .lanes = 1 + configuration_.profiles.size() +
                       static_cast<std::size_t>(std::ranges::count_if(configuration_.profiles, places_by_flow)),
              .lane_of = lanes()},
             [this] {
               ready_.set();
               if (!flows_.empty()) wake_flows();
             }),
      tasks_(world.executor, [this](std::exception_ptr error) {
        try {
          std::rethrow_exception(error);
        } catch (const std::exception& e) {
          world_.log.error("a task of the scheduler failed", "err", e.what());
        }
      }) {
  add_extenders();
  const PluginWorld plugins{.client = &world_.client,
                            .clock = &world_.clock,
                            .rng = &world_.rng,
                            .snapshot = &snapshot_,
                            .waiting = &waiting_,
                            .log = world_.log,
                            .informers = &world_.informers,
                            .handle = this,
                            .objects = world_.objects};
  for (const ProfileSpec& spec : configuration_.profiles) {
    if (profiles_.contains(spec.scheduler_name)) {
      throw std::invalid_argument(fmt::format("duplicate profile with scheduler name \"{}\"", spec.scheduler_name));
    }
    const auto& profile =
        profiles_.emplace(spec.scheduler_name, std::make_unique<Profile>(spec, plugins, world_.plugins)).first->second;
    if (metrics_.on()) profile->measure(&metrics_);
    if (!world_.events) {
      recorders_.emplace(spec.scheduler_name,
                         informers::series_recorder(world_.executor, world_.client, spec.scheduler_name,
                                                    fmt::format("{}-{}", spec.scheduler_name, world_.host), world_.log));
    }
  }
  add_flows();
  if (!metrics_.on()) return;
  queue_.measure(&metrics_);
  hook_ = world_.metrics->on_scrape(world_.executor, [this] {
    std::vector<const Profile*> profiles;
    for (const auto& [name, profile] : profiles_) profiles.push_back(profile.get());
    metrics_.show(queue_, cache_, profiles);
  });
}

std::function<std::size_t(const Pod&, const Profile&)> Scheduler::lanes() {
  if (configuration_.extenders.empty() && std::ranges::none_of(configuration_.profiles, places_by_flow)) return {};
  return [this](const Pod& pod, const Profile& profile) { return lane_of(pod, profile); };
}

Scheduler::~Scheduler() { tasks_.cancel(); }

const Profile* Scheduler::profile(std::string_view scheduler_name) const {
  const auto found = profiles_.find(scheduler_name);
  return found == profiles_.end() ? nullptr : found->second.get();
}

informers::EventRecorder& Scheduler::events(const Profile& profile) {
  return world_.events ? *world_.events : *recorders_.at(profile.scheduler_name());
}

namespace {

// A standby's caches may be behind what the leader before it bound: their room would be given away twice.
template <class T>
Task<void> catch_up(informers::Informer<T>& informer, Log log) {
  if (!informer.synced()) co_return;  // what is read from now on is new enough
  for (Duration pause = 1s;; pause = std::min<Duration>(2 * pause, 30s)) {
    try {
      co_await informer.catch_up();
      co_return;
    } catch (const std::exception& error) {
      log.warning("cannot find out how old the cache is", "error", error.what());
    }
    co_await sleep_for(pause);
  }
}

}  // namespace

Task<void> Scheduler::run() {
  co_await catch_up(world_.informers.informer<core::v1::Node>(), world_.log);
  informers::Informer<SchedulerPod> pods = this->pods();
  co_await catch_up(pods, world_.log);
  tasks_.spawn(follow_nodes());
  tasks_.spawn(follow_pods());
  follow_others();
  // A pod must not be refused for nodes that have not been heard of yet, nor placed where unseen pods are.
  co_await nodes_known_.wait();
  co_await pods_known_.wait();
  co_await world_.informers.wait_synced();
  world_.log.info("scheduling begins", "nodes", cache_.node_count(), "pods", cache_.pod_count());
  tasks_.spawn(schedule());
  for (const auto& flow : flows_) tasks_.spawn(schedule_by_flow(*flow));
  co_await tasks_.join();
}

Task<void> Scheduler::drain(Duration patience) {
  draining_ = true;
  const Steady end = world_.clock.steady() + patience;
  while (under_way_ > 0 && world_.clock.steady() < end) co_await sleep_for(50ms);
}

Scheduler::Stats Scheduler::stats() const {
  Stats out = stats_;
  out.nodes = cache_.node_count();
  out.pods = cache_.pod_count();
  out.assumed = cache_.assumed_count();
  out.queue = queue_.counts();
  return out;
}

std::shared_ptr<const Diagnosis> Scheduler::diagnosis(const ObjectKey& key) const {
  const auto found = diagnoses_.find(key);
  return found == diagnoses_.end() ? nullptr : found->second.second;
}

}  // namespace ph::scheduler
