// Profile: one scheduler by name, with its plugins in order. Runs the extension points.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scheduler/framework/diagnosis.h"
#include "scheduler/framework/plugin.h"
#include "scheduler/framework/waiting_pods.h"
#include "scheduler/queue/nominator.h"

namespace ph::scheduler {

// The points of a profile as a configuration names them.
enum class Point {
  PreEnqueue,
  QueueSort,
  PreFilter,
  Filter,
  PostFilter,
  PreScore,
  Score,
  Reserve,
  Permit,
  PreBind,
  Bind,
  PostBind
};
inline constexpr int kPoints = 12;

// "preEnqueue", …
std::string_view to_string(Point point);
bool implements(const Plugin& plugin, Point point);

// Plugins of one profile (Profile::bit_of), and its extenders.
using PluginSet = std::uint64_t;

struct PluginEntry;
class SchedulerMetrics;  // scheduler/metrics.h

// What a configuration makes of a profile: which plugins stand at which point, in order, with which weights.
struct ProfileSpec {
  std::string scheduler_name = "default-scheduler";
  std::optional<int> percentage_of_nodes_to_score;
  std::map<Point, std::vector<std::string>> points;
  std::map<std::string, int> weights;  // of score plugins; not 0
  PluginArgs args;
  std::map<std::string, std::string, std::less<>> foreign_args;  // plugin → JSON; of those that are not compiled in
};

class Profile {
 public:
  // `more`: plugins beside those of the registry. Throws std::invalid_argument when a plugin is unknown or does not
  // implement its point.
  Profile(ProfileSpec spec, const PluginWorld& world, std::span<const PluginEntry> more = {});

  const std::string& scheduler_name() const { return spec_.scheduler_name; }
  const ProfileSpec& spec() const { return spec_; }
  // Must outlive the profile.
  void measure(SchedulerMetrics* metrics) { metrics_ = metrics; }
  // As long as it lives nothing that the profile does is measured or counted: it is asked out of curiosity.
  class Unmeasured {
   public:
    explicit Unmeasured(Profile& profile)
        : profile_(profile), metrics_(std::exchange(profile.metrics_, nullptr)), asked_(profile.asked_) {}
    ~Unmeasured() {
      profile_.metrics_ = metrics_;
      // In place: the points hold on to the counters.
      for (auto& [point, counts] : profile_.asked_) std::ranges::copy(asked_.at(point), counts.begin());
    }
    Unmeasured(const Unmeasured&) = delete;
    Unmeasured& operator=(const Unmeasured&) = delete;

   private:
    Profile& profile_;
    SchedulerMetrics* metrics_;
    std::map<Point, std::vector<std::uint64_t>> asked_;
  };
  // How often each plugin was asked at the points of the cycle.
  template <class F>
  void each_evaluation(F f) const {
    for (const auto& [point, asked] : asked_) {
      const auto& names = spec_.points.at(point);
      for (std::size_t i = 0; i < asked.size(); ++i) f(point, std::string_view(names[i]), asked[i]);
    }
  }

  // -- Queue
  bool less(const QueueOrder& a, const QueueOrder& b) const { return queue_sort_->less(a, b); }
  // Success, or the first refusal.
  Verdict pre_enqueue(const Pod& pod) const;
  // Null: not in this profile.
  const Plugin* plugin(std::string_view name) const;

  // -- What wakes pods
  // kExtenderName has a bit, too. None: not in this profile.
  PluginSet bit_of(std::string_view plugin) const;
  template <class Names>
  PluginSet set_of(const Names& plugins) const {
    PluginSet out = 0;
    for (const std::string_view plugin : plugins) out |= bit_of(plugin);
    return out;
  }
  template <class F>
  void each(PluginSet plugins, F f) const {
    for (; plugins != 0; plugins &= plugins - 1) f(std::string_view(names_[std::countr_zero(plugins)]));
  }
  template <class F>
  void each_plugin(PluginSet plugins, F f) const {
    for (; plugins != 0; plugins &= plugins - 1) f(*by_bit_[static_cast<std::size_t>(std::countr_zero(plugins))]);
  }
  // Those whose pods `event` may wake.
  PluginSet woken_by(ClusterEvent event) const { return woken_by_[static_cast<std::size_t>(event)]; }
  // Whether some plugin waits for `event`; extenders, which wait for all that happens, aside.
  bool wants(ClusterEvent event) const { return (woken_by(event) & ~bit_of(kExtenderName)) != 0; }
  // Whether the change helps a pod that one of `plugins` has rejected, as far as that one can tell.
  QueueingHint hint(std::string_view plugin, const ClusterChange& change, const Pod& waiting) const;

  // What makes pods equal for the plugins of this profile, and the plugins that do not say whether they go by more than that.
  struct Class {
    ClassKey key;
    PluginSet undeclared = 0;
  };
  Class class_of(const Pod& pod, const PodInfo& info) const;

  // -- Cycle
  struct PreFiltered {
    Verdict verdict = Verdict::fits();
    std::optional<std::set<std::string, std::less<>>> nodes;  // the intersection of what the plugins left
    std::vector<std::string_view> narrowed_by;                // the plugins that left only some
  };
  PreFiltered pre_filter(CycleState& state, const Pod& pod, std::span<const NodeInfo* const> nodes) const;
  Verdict filter(const CycleState& state, const Pod& pod, const NodeInfo& node) const;
  // The same; a node must also have room for the pods of at least the same priority that are nominated there, and it must do
  // without them, because they may never come.
  Verdict filter(const CycleState& state, const Pod& pod, const NodeInfo& node, const Nominator& nominated) const;
  // What if another pod were on the node (it is there in `node` already), or were not? For copies of a state.
  Verdict add_pod(CycleState& state, const Pod& pod, const PodInfo& added, const NodeInfo& node) const;
  Verdict remove_pod(CycleState& state, const Pod& pod, const PodInfo& removed, const NodeInfo& node) const;
  // All must outlive the task.
  Task<PostFilterResult> post_filter(CycleState& state, const Pod& pod, const Rejections& rejections) const;
  Verdict pre_score(CycleState& state, const Pod& pod, std::span<const NodeInfo* const> nodes) const;
  // The weighted sums, in the order of `nodes`. Throws when a plugin leaves 0..100.
  std::vector<NodeScore> score(const CycleState& state, const Pod& pod, std::span<const NodeInfo* const> nodes) const;
  Verdict reserve(CycleState& state, const Pod& pod, std::string_view node) const;
  void unreserve(CycleState& state, const Pod& pod, std::string_view node) const;
  // -- Results that somebody keeps (kept/)
  // The plugins that have a say about this pod: that filter nodes, after pre-filter, and that score them, after pre-score.
  PluginSet active_filters(const CycleState& state) const;
  PluginSet active_scorers(const CycleState& state) const;
  // Score plugins by their number.
  std::size_t score_plugins() const { return score_.size(); }
  const ScorePlugin& score_plugin(std::size_t number) const { return *score_[number].plugin; }
  Score weight(std::size_t number) const { return score_[number].weight; }
  PluginSet score_bit(std::size_t number) const { return score_bits_[number]; }
  bool is_scored(std::size_t number, const CycleState& state) const { return state.scores(score_[number].plugin); }
  Score raw_score(std::size_t number, const CycleState& state, const Pod& pod, const NodeInfo& node) const {
    ++score_asked_[number];
    return score_[number].plugin->score(state, pod, node);
  }
  // Brings raw scores into their range and adds them, weighted, to `total`, which has the same nodes. Throws when the plugin leaves
  // 0..100.
  void add_weighted(std::size_t number, std::span<NodeScore> raw, std::span<NodeScore> total) const;

  // Wait: the pod has been registered with `waiting`.
  Verdict permit(CycleState& state, const Pod& pod, std::string_view node, WaitingPods& waiting) const;
  bool has_filters() const { return !filter_.empty(); }
  bool has_post_filters() const { return !post_filter_.empty(); }
  bool has_scores() const { return !score_.empty(); }

  // -- Binding
  // Skip: no plugin has anything to do in `pre_bind`.
  Verdict pre_bind_pre_flight(CycleState& state, const Pod& pod, std::string_view node) const;
  Task<Verdict> pre_bind(CycleState& state, const Pod& pod, std::string node) const;
  Task<Verdict> bind(CycleState& state, const Pod& pod, std::string node) const;
  void post_bind(CycleState& state, const Pod& pod, std::string_view node) const;

 private:
  template <class T>
  std::vector<T*> at(Point point) const;
  // Where to count how often the plugins of a point are asked, in their order.
  std::uint64_t* asked(Point point);

  void index_plugins();

  ProfileSpec spec_;
  std::map<std::string, std::unique_ptr<Plugin>, std::less<>> plugins_;
  std::vector<std::string_view> names_;              // by bit; the last one is kExtenderName
  std::vector<const Plugin*> by_bit_;                // the same without it
  std::vector<PluginSet> filter_bits_, score_bits_;  // beside filter_ and score_
  std::array<PluginSet, kClusterEvents> woken_by_{};
  QueueSortPlugin* queue_sort_ = nullptr;
  std::vector<PreEnqueuePlugin*> pre_enqueue_;
  std::vector<PreFilterPlugin*> pre_filter_;
  std::vector<FilterPlugin*> filter_;
  std::vector<PostFilterPlugin*> post_filter_;
  std::vector<PreScorePlugin*> pre_score_;
  struct Weighted {
    ScorePlugin* plugin;
    int weight;
  };
  std::vector<Weighted> score_;
  std::vector<ReservePlugin*> reserve_;
  std::vector<PermitPlugin*> permit_;
  std::vector<PreBindPlugin*> pre_bind_;
  std::vector<BindPlugin*> bind_;
  std::vector<PostBindPlugin*> post_bind_;
  SchedulerMetrics* metrics_ = nullptr;
  std::map<Point, std::vector<std::uint64_t>> asked_;
  std::uint64_t *pre_filter_asked_ = nullptr, *filter_asked_ = nullptr, *pre_score_asked_ = nullptr, *score_asked_ = nullptr;
};

}  // namespace ph::scheduler
