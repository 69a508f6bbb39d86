// Plugins and extension points: where a pod's way from the queue to a node can be steered. A plugin is a class that
// derives from the points it takes part in, in a file of its own under plugins/, with one line in plugins/registry.def.
//
//   queue      QueueSort · PreEnqueue
//   cycle      PreFilter → Filter (each node) → [PostFilter, when none fits] → PreScore → Score (each node) → normalize
//              → Reserve → Permit
//   binding    (wait for Permit) → PreBind → Bind → PostBind        beside the next cycles
//
// The points of the cycle are synchronous, const and allocate nothing per node; PostFilter and those of binding are coroutines.
// All run on the scheduler's executor. An exception that leaves a plugin fails the attempt, and the pod is tried again.
#pragma once

#include <any>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/kinds.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/task.h"
#include "scheduler/cluster/node_info.h"
#include "scheduler/framework/cluster_event.h"
#include "scheduler/framework/cycle_state.h"
#include "scheduler/framework/plugin_args.h"
#include "scheduler/framework/verdict.h"

namespace ph::informers {
class Client;
class Informers;
}  // namespace ph::informers

namespace ph::scheduler {

class Handle;        // framework/handle.h
class ObjectSource;  // framework/objects.h
class Profile;       // framework/profile.h
class Snapshot;      // cluster/snapshot.h
class WaitingPods;
using core::v1::Pod;

using Score = std::int64_t;
inline constexpr Score kMaxNodeScore = 100;

struct NodeScore {
  const NodeInfo* node = nullptr;
  Score score = 0;
};

// What a plugin answers when an event happens that it asked for.
enum class QueueingHint : bool { Skip, Queue };

// What makes pods equal for the plugins of a profile: each plugin adds the bytes that it goes by.
using ClassKey = std::string;

// Which nodes' kept results a change makes outdated, for the pods of one class.
struct Outdated {
  enum Reach : std::uint8_t {
    Nothing,
    Node,    // those of the node that it happened on
    Domain,  // those of all nodes that have the same value of the label `topology_key` as that node, before or after
    All
  } reach = All;
  std::string_view topology_key = {};  // must outlive the plugin, or the pod it was asked about
};

// A change of the cluster, as far as kept results depend on it: a pod came to a node or left it, or the node itself is another.
struct StateChange {
  const PodInfo* pod_added = nullptr;
  const PodInfo* pod_removed = nullptr;
  const core::v1::Node* node_before = nullptr;  // with `node_after`: the node changed, came (no before), or went (no after)
  const core::v1::Node* node_after = nullptr;
};

// A topology domain, a node label and its value, where a plugin counts otherwise than before.
struct DomainChange {
  Interned key, value;
  std::int64_t by = 0;   // to the scores of the nodes there
  bool decides = false;  // verdicts on the nodes there may be others; else those on a part of their pods alone may
};
struct DomainChanges {
  bool all = false;  // nothing that is kept may be used; the rest says nothing then
  std::vector<DomainChange> domains;
};

class ClassMemory;

class Plugin {
 public:
  virtual ~Plugin() = default;
  // As in the registry.
  std::string_view name() const { return name_; }

  // The events that may turn a rejection by this plugin into a fit: the queue wakes the pods it rejected for these and
  // nothing else.
  virtual ClusterEvents retry_on() const { return ClusterEvents::all(); }
  // Asked for each such event: whether it can help `waiting` at all.
  virtual QueueingHint hint(const ClusterChange& change, const Pod& waiting) const { return QueueingHint::Queue; }

  // -- What may be kept of its results (filter verdicts and scores before normalize) for the next pod. A plugin that declares
  // nothing is asked anew for every pod and node.

  // Adds to `key` all that its results depend on of the pod: two pods for which it adds the same bytes get the same results from the
  // same cluster. False: nothing of its results may be kept for this pod.
  virtual bool class_key(const Pod& pod, const PodInfo& info, ClassKey& key) const { return false; }
  // Which results for pods of the class of `of` are outdated after `change`. Asked only of plugins that gave a key.
  virtual Outdated outdated_by(const StateChange& change, const Pod& of) const { return {}; }
  // For plugins whose results go by what they count themselves, domain by domain: where that has become another since they were asked
  // about the same class before. Asked beside `outdated_by`, once an attempt: for verdicts after pre_filter, for scores after pre_score.
  // `memory` is the class's.
  enum class Kept : bool { Verdicts, Scores };
  virtual void changed_domains(Kept what, const CycleState& state, ClassMemory& memory, DomainChanges& out) const {}

 private:
  friend struct PluginEntry;
  std::string_view name_;
};

// A waiting pod as far as its order in the queue is concerned.
struct QueueOrder {
  std::int32_t priority = 0;
  Steady queued{};  // when it last entered the queue
};

// Exactly one in a profile, the same in all profiles of a scheduler.
class QueueSortPlugin : public virtual Plugin {
 public:
  virtual bool less(const QueueOrder& a, const QueueOrder& b) const = 0;
};

// Whether a pod may enter the active queue at all. A pod that may not is gated.
class PreEnqueuePlugin : public virtual Plugin {
 public:
  virtual Verdict pre_enqueue(const Pod& pod) const = 0;
};

struct PreFilterResult {
  Verdict verdict = Verdict::fits();
  // Only these nodes can fit; absent: any.
  std::optional<std::set<std::string, std::less<>>> nodes;
};

class PreFilterPlugin : public virtual Plugin {
 public:
  // Work that is done once a pod. Skip: `filter` of this plugin is not asked for this pod.
  virtual PreFilterResult pre_filter(CycleState& state, const Pod& pod, std::span<const NodeInfo* const> nodes) const = 0;
  // Brings the plugin's state to what it would be with another pod more, or less, on a node. For plugins whose state is
  // made from other pods.
  virtual Verdict add_pod(CycleState& state, const Pod& pod, const PodInfo& added, const NodeInfo& node) const {
    return Verdict::fits();
  }
  virtual Verdict remove_pod(CycleState& state, const Pod& pod, const PodInfo& removed, const NodeInfo& node) const {
    return Verdict::fits();
  }
};

// Something that would have to be otherwise for a node to be let through that a plugin has refused: for people (why/).
struct Need {
  std::string text;
  // Of an amount: of which resource how much is missing, written as a quantity. Empty: it is no matter of amounts.
  std::string resource = {}, missing = {};
};

class FilterPlugin : public virtual Plugin {
 public:
  virtual Verdict filter(const CycleState& state, const Pod& pod, const NodeInfo& node) const = 0;
  // What would have to change for a node that `filter` refuses, in the same state. Never asked in a cycle. None: the verdict's
  // reasons say it all.
  virtual std::vector<Need> needs(const CycleState& state, const Pod& pod, const NodeInfo& node) const { return {}; }
};

struct Rejection {
  const NodeInfo* node = nullptr;
  Verdict verdict = Verdict::fits();
};

// What is kept of a class of pods from one attempt to the next, for those who are asked when no node fits.
class ClassMemory {
 public:
  // By NodeInfo::slot: another number whenever the filters might say something else of the node or of a part of its pods, to a pod of
  // the class with the same priority; as long as NodeInfo::generation is the same, too.
  std::span<const std::uint64_t> stamps() const { return stamps_; }
  // What a plugin remembers; made when there is none.
  template <class T>
  T& of(const Plugin* owner) {
    std::any& value = values_[owner];
    if (T* found = std::any_cast<T>(&value)) return *found;
    return value.emplace<T>();
  }

 private:
  friend class ClassResults;
  std::vector<std::uint64_t> stamps_;
  std::map<const Plugin*, std::any> values_;
};

// Why no node fits.
struct Rejections {
  std::vector<Rejection> nodes;                                  // those that were looked at
  Verdict others = Verdict(Code::UnschedulableAndUnresolvable);  // what was said of all nodes that were not
  ClassMemory* memory = nullptr;                                 // null: nothing is kept of pods like this one
};

struct PostFilterResult {
  // Success: room is being made. A rejection's message is added to the pod's.
  Verdict verdict = Verdict(Code::Unschedulable);
  // The node that the pod is expected on; empty: it is no longer expected anywhere; absent: no word about it.
  std::optional<std::string> nominated_node = {};
};

// Asked when no node fits: preemption. The nodes and the memory of `rejections` and the snapshot are as the cycle saw them until the plugin waits
// for something; after that they may have changed or gone, and only what it holds itself is its own.
class PostFilterPlugin : public virtual Plugin {
 public:
  // All outlive the task.
  virtual Task<PostFilterResult> post_filter(CycleState& state, const Pod& pod, const Rejections& rejections) = 0;
};

class PreScorePlugin : public virtual Plugin {
 public:
  // Skip: `score` of this plugin is not asked for this pod.
  virtual Verdict pre_score(CycleState& state, const Pod& pod, std::span<const NodeInfo* const> nodes) const = 0;
};

// How scores are brought into 0..100.
enum class Scale : std::uint8_t {
  AsIs,               // they are
  ByHighest,          // the highest becomes 100; nothing above 0: all stay
  ByHighestReversed,  // 100 less that: nodes with nothing against them get the highest score, even when that is every node
  ByRange,            // the lowest becomes 0, the highest 100; all 0 where they are equal
  FewestBest  // they count what speaks against a node: the lowest becomes 100; what is kNoScore becomes 0, and is no bound
};
inline constexpr Score kNoScore = -1;
// The lowest and the highest of some scores.
struct ScoreBounds {
  Score lowest = 0, highest = 0;
};
inline bool is_bound(Scale scale, Score score) { return scale != Scale::FewestBest || score != kNoScore; }
// One score where these are the bounds of those of all nodes.
Score scaled(Scale scale, Score score, const ScoreBounds& bounds);
// Throws std::out_of_range for a score, once it is scaled, that is not in 0..100.
void check_range(std::string_view plugin, Score score);

class ScorePlugin : public virtual Plugin {
 public:
  virtual Score score(const CycleState& state, const Pod& pod, const NodeInfo& node) const = 0;
  virtual Scale scale() const { return Scale::AsIs; }
  // Brings the scores of all nodes into 0..100.
  void normalize(std::span<NodeScore> scores) const;
};

class ReservePlugin : public virtual Plugin {
 public:
  virtual Verdict reserve(CycleState& state, const Pod& pod, std::string_view node) = 0;
  // Undoes `reserve`; called also when it failed or was never called. Must not throw.
  virtual void unreserve(CycleState& state, const Pod& pod, std::string_view node) = 0;
};

struct PermitResult {
  Verdict verdict = Verdict::fits();
  Duration timeout{};  // of Wait; 15 minutes at most
};

// The last word before binding. Wait: the pod keeps its place until it is allowed or rejected through WaitingPods.
class PermitPlugin : public virtual Plugin {
 public:
  virtual PermitResult permit(CycleState& state, const Pod& pod, std::string_view node) = 0;
};

class PreBindPlugin : public virtual Plugin {
 public:
  // Whether there is anything to do for this pod. Skip: no; `pre_bind` is not asked. When there is, the node is told to the world
  // (nominatedNodeName) before that begins.
  virtual Verdict pre_bind_pre_flight(CycleState& state, const Pod& pod, std::string_view node) { return Verdict::fits(); }
  virtual Task<Verdict> pre_bind(CycleState& state, const Pod& pod, std::string node) = 0;
};

class BindPlugin : public virtual Plugin {
 public:
  // Skip: the next bind plugin is asked.
  virtual Task<Verdict> bind(CycleState& state, const Pod& pod, std::string node) = 0;
};

class PostBindPlugin : public virtual Plugin {
 public:
  virtual void post_bind(CycleState& state, const Pod& pod, std::string_view node) = 0;
};

// What plugins may use; all outlives them. Only `clock`, `rng`, `snapshot` and `profile` are never null: there may be nobody to bind,
// nothing to follow, and no running scheduler (framework/handle.h).
struct PluginWorld {
  informers::Client* client = nullptr;
  const Clock* clock = nullptr;
  Rng* rng = nullptr;
  const Snapshot* snapshot = nullptr;
  WaitingPods* waiting = nullptr;
  Log log;
  informers::Informers* informers = nullptr;
  Handle* handle = nullptr;
  // The one that the plugin is part of: its filters, for instance. Not to be used before the first cycle.
  const Profile* profile = nullptr;
  ObjectSource* objects = nullptr;  // where objects of further kinds come from, if not from `informers`
};

}  // namespace ph::scheduler
