// Scheduler: follows nodes and pods, takes pods from the queue one by one, finds each a node and binds it there.
// (Profiles with the plugin FlowPlacement take them by batches: flow_cycle.cc.)
//
//   reads     core/v1 Node, Pod          informers
//   writes    core/v1 Binding            create: the decision
//             core/v1 Pod status         patch: condition PodScheduled, nominatedNodeName; only when they change
//             core/v1 Event              Scheduled, FailedScheduling
//   upstream  pkg/scheduler
//
// The cycle that picks a node runs to its end without waiting; what waits (permit, pre-bind, bind) goes on as a task of
// its own beside the next cycles, while the cache counts the pod as placed already. Only a cycle that asks extenders
// waits for their answers: one such cycle a profile, beside all others.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/rng.h"
#include "base/sync.h"
#include "informers/client.h"
#include "informers/informer.h"
#include "informers/recorder.h"
#include "scheduler/cluster/cache.h"
#include "scheduler/config/configuration.h"
#include "scheduler/extender/extender.h"
#include "scheduler/flow/solver.h"
#include "scheduler/framework/handle.h"
#include "scheduler/framework/profile.h"
#include "scheduler/framework/registry.h"
#include "scheduler/kept/kept_results.h"
#include "scheduler/metrics.h"
#include "scheduler/queue/scheduling_queue.h"

namespace ph::scheduler {

namespace flow {
struct Gang;
struct Group;
using Gangs = std::map<std::string, Gang, std::less<>>;
}  // namespace flow

namespace why {
struct Explanation;
struct Question;
}  // namespace why

// Makes what a profile's flow network is solved with.
using FlowSolvers = std::function<std::unique_ptr<flow::Solver>()>;

// All must outlive the scheduler and belong to one executor.
struct SchedulerWorld {
  Executor& executor;
  const Clock& clock;
  Rng& rng;
  informers::Client& client;
  informers::Informers& informers;
  informers::EventRecorder* events = nullptr;  // null: the scheduler makes one a profile, named after it
  std::string host = {};                       // that events come from
  Log log;
  Metrics* metrics = nullptr;                   // null: nothing is counted
  std::span<const PluginEntry> plugins = {};    // beside those of the registry, for configurations made in code
  ExtenderTransports extender_transports = {};  // needed for a configuration with extenders
  ObjectSource* objects = nullptr;              // what plugins read of further kinds; null: from the informers
  // What profiles that place by a flow network solve it with. None: the solvers one after another, the same each time.
  FlowSolvers flow_solvers = {};
};

class Scheduler final : private Handle {
 public:
  // Throws std::invalid_argument for a configuration whose plugins do not fit together, and what `extender_transports`
  // throws.
  Scheduler(SchedulerWorld world, Configuration configuration);
  ~Scheduler() override;
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // Works until it is dropped.
  Task<void> run();

  // Takes up no more pods, and resumes when those that were taken up are where they go, or after `patience`.
  Task<void> drain(Duration patience);

  // Begins to fill the caches a scheduler works from, without one: a standby is warm.
  static void warm(informers::Informers& informers, const Configuration& configuration);

  struct Stats {
    std::uint64_t attempts = 0;
    std::uint64_t scheduled = 0;      // bound
    std::uint64_t unschedulable = 0;  // attempts that found no node
    std::uint64_t errors = 0;         // attempts that failed
    std::uint64_t by_flow = 0;        // attempts that were given a node by a flow network
    std::uint64_t overtaken = 0;      // attempts whose nodes were taken while extenders were asked
    std::size_t nodes = 0, pods = 0, assumed = 0;
    SchedulingQueue::Counts queue;
  };
  Stats stats() const;

  // Why the pod is still pending, as of its last attempt. Null: it was never refused, or is no longer waiting.
  std::shared_ptr<const Diagnosis> diagnosis(const ObjectKey& key) const;

  // Why a pod is where it is, or nowhere, or would be (why/). Throws ApiError: there is no such pod (404), the question means
  // nothing (400), not all is known yet (503).
  Task<why::Explanation> explain(why::Question question);

  // -- The parts of a cycle, for tests and benchmarks
  struct Placement {
    const NodeInfo* node = nullptr;  // null: none fits
    std::size_t evaluated = 0, feasible = 0;
  };
  Cache& cache() { return cache_; }
  SchedulingQueue& queue() { return queue_; }
  // Finds a node for a pod in the cache's present state. `diagnosis` says why there is none.
  Placement place(const Profile& profile, CycleState& state, const Pod& pod, Diagnosis& diagnosis);
  // The same by what has been kept of pods of its class, as a running scheduler does.
  Placement place_like_others(const Profile& profile, CycleState& state, const Pod& pod, Diagnosis& diagnosis);
  // What has been found out about the nodes by the last of these that found none.
  const Rejections& rejections() const { return rejections_; }
  // Null: not one of this scheduler's.
  const Profile* profile(std::string_view scheduler_name) const;

 private:
  // -- Following (following.cc)
  static informers::Informer<SchedulerPod> followed_pods(informers::Informers& informers, const Configuration& configuration);
  informers::Informer<SchedulerPod> pods() const { return followed_pods(world_.informers, configuration_); }
  Task<void> follow_nodes();
  Task<void> follow_pods();
  void node_changed(const NodeRef& before, const NodeRef& after);
  void pod_changed(const informers::Ref<SchedulerPod>& before, const informers::Ref<SchedulerPod>& after);
  void pod_appeared(const SchedulerPod& pod);
  void pod_gone(const SchedulerPod& pod);
  void pod_assigned(const SchedulerPod& before, const SchedulerPod& after);
  void waits_no_more(const PodInfo& pod);
  // A pod that is being bound is on its way out.
  void give_up(std::string_view uid);
  void look_again(const PodInfo& info);
  // Takes an assumed pod out of the cache and tells those who wait for its room.
  void take_out(std::string_view uid);
  // The node that room is kept on for a waiting pod; empty: none.
  std::string expected_on(const PodInfo& pod) const { return std::string(queue_.nominated().node_of(pod.uid)); }
  // Room is no longer kept on `node` for the pod: those who had to leave it are told. Nothing for an empty name.
  void nomination_ended(const PodInfo& pod, std::string_view node);
  // Kinds that only some plugins know (following_others.cc).
  void follow_others();

  // -- The cycle (cycle.cc)
  Task<void> schedule();
  void skip(const QueuedRef& pod);
  Task<void> schedule_one(QueuedRef pod);
  void refuse_all(const Verdict& verdict, Diagnosis& diagnosis);
  // Ends the attempt for want of a node. `rejections_` holds each node's verdict.
  Task<void> nothing_fits(QueuedRef queued, CycleState& state, PendingPod pod, std::shared_ptr<Diagnosis> diagnosis);
  // The nodes that the plugins let through in the cache's present state: the nominated one alone when it is among them
  // and `nominated_first`. None: `diagnosis` and `rejections_` say why.
  std::vector<const NodeInfo*> candidates(const Profile& profile, CycleState& state, const Pod& pod, Diagnosis& diagnosis,
                                          bool nominated_first);
  std::size_t nodes_to_find(const Profile& profile, std::size_t nodes) const;
  Verdict filter(const Profile& profile, const CycleState& state, const Pod& pod, const NodeInfo& node) const;
  std::vector<const NodeInfo*> feasible_nodes(const Profile& profile, const CycleState& state, const Pod& pod,
                                              std::span<const NodeInfo* const> nodes);
  const NodeInfo* pick(std::span<const NodeScore> scores);

  // -- The cycle with extenders (extended_cycle.cc)
  // Pods that no extender wants to filter or prioritize; the others stand in their profile's lane.
  static constexpr std::size_t kFreeLane = 0;
  struct Extended;
  void add_extenders();
  std::unique_ptr<Transport> extender_transport(const ExtenderSpec& spec) const;
  bool extenders_filter() const;
  std::function<std::size_t(const Pod&, const Profile&)> lanes();
  std::size_t lane_of(const Pod& pod, const Profile& profile) const;
  Task<void> schedule_extended(QueuedRef pod, std::size_t lane);
  Task<void> place_extended(Extended& cycle);
  // The choice is over, in whatever way: tells how long it took, once.
  void chosen(Extended& cycle);
  Task<std::vector<NodeRef>> filter_extended(Extended& cycle, bool nominated_first);
  Task<Extender::Scores> extender_scores(Extended& cycle, std::vector<NodeRef> nodes);
  std::vector<const NodeInfo*> still_fitting(const Extended& cycle, CycleState& state, std::span<const NodeRef> nodes);
  Task<void> refuse_extended(Extended& cycle);

  // -- Batches by a flow network (flow_cycle.cc)
  struct Flow;
  static bool places_by_flow(const ProfileSpec& spec);
  void add_flows();
  // Absent: the profile does not place by flow.
  std::optional<std::size_t> flow_lane(const Profile& profile) const;
  void wake_flows();
  Task<void> schedule_by_flow(Flow& flow);
  // Waits until a batch is full, or its first pod has waited for long enough.
  Task<void> gather(Flow& flow);
  std::vector<QueuedRef> take_batch(Flow& flow);
  Task<void> place_batch(Flow& flow, std::vector<QueuedRef> batch);
  Task<std::size_t> place_plan(Flow& flow, std::vector<flow::Group>& groups, flow::Gangs& gangs);
  const NodeInfo* choose_of(const QueuedRef& queued, CycleState& state, std::deque<std::string>& nodes, std::size_t tries);
  Task<std::size_t> place_group(std::vector<QueuedRef>& pods, std::deque<std::string>& nodes);
  bool place_on_one_of(const QueuedRef& queued, std::deque<std::string>& nodes);
  Task<void> place_one_by_one(std::vector<QueuedRef> pods);

  // Counts one as long as it lives.
  class Counted {
   public:
    explicit Counted(int& count) : count_(count) { ++count_; }
    ~Counted() { --count_; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;

   private:
    int& count_;
  };

  // -- Binding (binding.cc)
  struct Attempt {
    QueuedRef pod;
    PendingPod message;  // as it was when the cycle began
    std::shared_ptr<CycleState> state;
    PodRef placed;  // with its node
    std::string node;
  };
  void assume_and_bind(const QueuedRef& pod, CycleState state, const NodeInfo& node);
  Task<void> bind(Attempt attempt);
  Task<Verdict> try_bind(const Attempt& attempt);
  // By the extender that binds such pods; nothing when there is none.
  Task<std::optional<Verdict>> bind_by_extender(const Attempt& attempt);
  void take_back(const Attempt& attempt, const Verdict& verdict);

  // -- Failure (failure.cc)
  // The attempt ends without a node. `nominated`: the node that was made room on, empty to clear it, absent to leave
  // it.
  void fail(const QueuedRef& pod, const Verdict& verdict, std::shared_ptr<Diagnosis> diagnosis,
            std::optional<std::string> nominated);
  void set_condition(const Pod& pod, std::string_view reason, std::string message, std::optional<std::string> nominated);
  Task<void> patch_status(ObjectKey key, std::string body);
  // Writes status.nominatedNodeName, unless it is so already. Empty: clears it.
  Task<void> nominate(const Pod& pod, std::string node);
  informers::EventRecorder& events(const Profile& profile);

  // -- Explaining (why/asking.cc)
  why::Explanation explain(const why::Question& question, const Pod& pod);
  void explain_waiting(const Profile& profile, const Pod& pod, why::Explanation& out) const;
  void explain_circumstances(const Profile& profile, const why::Question& question, const Pod& pod, why::Explanation& out) const;

  // -- For plugins (Handle)
  void spawn(Task<void> work) override { tasks_.spawn(std::move(work)); }
  const Nominator& nominated() const override { return queue_.nominated(); }
  void clear_nomination(const PodRef& pod) override;
  bool is_there(const ObjectKey& key, std::string_view uid) override {
    const auto pod = pods().find(key);
    return pod && pod->info->uid == uid;
  }
  void activate(const std::vector<std::string>& uids) override { queue_.activate(uids); }
  informers::EventRecorder& recorder(const Profile& profile) override { return events(profile); }
  const std::vector<std::unique_ptr<Extender>>& extenders() const override { return extenders_; }
  void count_preemption_attempt() override { metrics_.looked_for_victims(); }
  void count_preemption(std::size_t victims) override { metrics_.preempted(victims); }

  SchedulerWorld world_;
  Configuration configuration_;
  SchedulerMetrics metrics_;
  Cache cache_;
  Snapshot snapshot_;
  WaitingPods waiting_;
  std::map<std::string, std::unique_ptr<Profile>, std::less<>> profiles_;
  std::map<std::string, std::unique_ptr<informers::EventRecorder>, std::less<>> recorders_;
  std::vector<std::unique_ptr<Extender>> extenders_;  // the ignorable ones last
  std::vector<std::shared_ptr<Flow>> flows_;          // of the profiles that have one, in their order
  Event ready_;                                       // a pod may be ready to be popped
  SchedulingQueue queue_;
  Rejections rejections_;  // of the present cycle
  KeptResults kept_;
  std::size_t next_start_ = 0;
  bool draining_ = false;
  int under_way_ = 0;  // attempts that have begun and are not over: waiting for answers, or binding
  std::map<ObjectKey, std::pair<std::string, std::shared_ptr<const Diagnosis>>> diagnoses_;  // with the pod's UID
  Event nodes_known_, pods_known_;
  Stats stats_;
  ScrapeHook hook_;
  Scope tasks_;
};

}  // namespace ph::scheduler
