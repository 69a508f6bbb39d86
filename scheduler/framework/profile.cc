// Upstream: pkg/scheduler/framework/runtime
#include "scheduler/framework/profile.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <limits>
#include <ranges>
#include <stdexcept>

#include "scheduler/framework/class_key.h"
#include "scheduler/framework/registry.h"
#include "scheduler/metrics.h"

namespace ph::scheduler {
namespace {

constexpr Duration kPermitTimeoutMost = 15min;

// A plugin that refuses a pod at a point where it had accepted it so far: the text names it.
Verdict refused(const Verdict& verdict, const Plugin& plugin, std::string_view point) {
  if (verdict.rejected()) return Verdict::owning(verdict.code(), verdict.message()).by(plugin.name());
  return Verdict::error(fmt::format("running {} plugin \"{}\": {}", point, plugin.name(), verdict.message())).by(plugin.name());
}

// How long a point takes, until the end of the scope, and what it says.
class Timed {
 public:
  Timed(SchedulerMetrics* metrics, const Profile& profile, Point point)
      : metrics_(metrics), profile_(profile), point_(point), begun_(metrics ? metrics->now() : Steady()) {}
  ~Timed() {
    if (metrics_) metrics_->point(profile_, point_, code_, begun_);
  }
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;
  void says(Code code) { code_ = code; }

 private:
  SchedulerMetrics* metrics_;
  const Profile& profile_;
  const Point point_;
  const Steady begun_;
  Code code_ = Code::Success;
};

Code code_of(const Verdict& verdict) { return verdict.code(); }
template <class Result>
Code code_of(const Result& result) {
  return result.verdict.code();
}

// Asks a plugin, and measures it when that is wanted.
template <class F>
auto ask(SchedulerMetrics* metrics, bool measured, Point point, const Plugin& plugin, F call) {
  if (!measured) [[likely]]
    return call();
  const Steady begun = metrics->now();
  auto result = call();
  metrics->plugin(point, plugin.name(), code_of(result), metrics->now() - begun);
  return result;
}

}  // namespace

std::string_view to_string(Point point) {
  static constexpr std::array<std::string_view, kPoints> kNames{"preEnqueue", "queueSort", "preFilter", "filter",
                                                                "postFilter", "preScore",  "score",     "reserve",
                                                                "permit",     "preBind",   "bind",      "postBind"};
  return kNames[static_cast<std::size_t>(point)];
}

bool implements(const Plugin& plugin, Point point) {
  const auto is = [&]<class T>(const T*) { return dynamic_cast<const T*>(&plugin) != nullptr; };
  switch (point) {
    case Point::PreEnqueue: return is((PreEnqueuePlugin*)nullptr);
    case Point::QueueSort: return is((QueueSortPlugin*)nullptr);
    case Point::PreFilter: return is((PreFilterPlugin*)nullptr);
    case Point::Filter: return is((FilterPlugin*)nullptr);
    case Point::PostFilter: return is((PostFilterPlugin*)nullptr);
    case Point::PreScore: return is((PreScorePlugin*)nullptr);
    case Point::Score: return is((ScorePlugin*)nullptr);
    case Point::Reserve: return is((ReservePlugin*)nullptr);
    case Point::Permit: return is((PermitPlugin*)nullptr);
    case Point::PreBind: return is((PreBindPlugin*)nullptr);
    case Point::Bind: return is((BindPlugin*)nullptr);
    case Point::PostBind: return is((PostBindPlugin*)nullptr);
  }
  return false;
}

template <class T>
std::vector<T*> Profile::at(Point point) const {
  std::vector<T*> out;
  const auto names = spec_.points.find(point);
  if (names == spec_.points.end()) return out;
  for (const std::string& name : names->second) {
    T* plugin = dynamic_cast<T*>(plugins_.at(name).get());
    if (!plugin) throw std::invalid_argument(fmt::format("plugin \"{}\" does not extend {} plugin", name, to_string(point)));
    out.push_back(plugin);
  }
  return out;
}

Profile::Profile(ProfileSpec spec, const PluginWorld& outside, std::span<const PluginEntry> more) : spec_(std::move(spec)) {
  PluginWorld world = outside;
  world.profile = this;
  for (const auto& [point, names] : spec_.points) {
    for (const std::string& name : names) {
      if (plugins_.contains(name)) continue;
      const auto own = std::ranges::find(more, name, &PluginEntry::name);
      const PluginEntry* entry = own == more.end() ? find_plugin(name) : &*own;
      if (!entry) throw std::invalid_argument(fmt::format("plugin \"{}\" does not exist", name));
      plugins_.emplace(name, entry->make(spec_.args, world));
    }
  }
  const auto sorts = at<QueueSortPlugin>(Point::QueueSort);
  if (sorts.size() != 1) {
    throw std::invalid_argument(
        fmt::format("one queue sort plugin required for profile with scheduler name \"{}\"", spec_.scheduler_name));
  }
  queue_sort_ = sorts.front();
  pre_enqueue_ = at<PreEnqueuePlugin>(Point::PreEnqueue);
  pre_filter_ = at<PreFilterPlugin>(Point::PreFilter);
  filter_ = at<FilterPlugin>(Point::Filter);
  post_filter_ = at<PostFilterPlugin>(Point::PostFilter);
  pre_score_ = at<PreScorePlugin>(Point::PreScore);
  for (ScorePlugin* plugin : at<ScorePlugin>(Point::Score)) {
    const auto weight = spec_.weights.find(std::string(plugin->name()));
    score_.push_back({plugin, weight == spec_.weights.end() ? 1 : weight->second});
  }
  reserve_ = at<ReservePlugin>(Point::Reserve);
  permit_ = at<PermitPlugin>(Point::Permit);
  pre_bind_ = at<PreBindPlugin>(Point::PreBind);
  bind_ = at<BindPlugin>(Point::Bind);
  post_bind_ = at<PostBindPlugin>(Point::PostBind);
  if (bind_.empty()) {
    throw std::invalid_argument(
        fmt::format("at least one bind plugin is needed for profile with scheduler name \"{}\"", spec_.scheduler_name));
  }
  index_plugins();
  pre_filter_asked_ = asked(Point::PreFilter);
  filter_asked_ = asked(Point::Filter);
  pre_score_asked_ = asked(Point::PreScore);
  score_asked_ = asked(Point::Score);
}

void Profile::index_plugins() {
  constexpr std::size_t kMost = std::numeric_limits<PluginSet>::digits - 1;
  if (plugins_.size() > kMost) {
    throw std::invalid_argument(fmt::format("profile \"{}\" has more than {} plugins", spec_.scheduler_name, kMost));
  }
  for (const auto& [name, plugin] : plugins_) {
    names_.push_back(name);
    by_bit_.push_back(plugin.get());
  }
  names_.push_back(kExtenderName);
  for (const FilterPlugin* plugin : filter_) filter_bits_.push_back(bit_of(plugin->name()));
  for (const Weighted& weighted : score_) score_bits_.push_back(bit_of(weighted.plugin->name()));
  for (int i = 0; i < kClusterEvents; ++i) {
    const auto event = static_cast<ClusterEvent>(i);
    PluginSet& woken = woken_by_[static_cast<std::size_t>(i)];
    woken = bit_of(kExtenderName);  // extenders cannot say what they wait for
    for (const auto& [name, plugin] : plugins_) {
      const ClusterEvents events = plugin->retry_on();
      // A node that came with a taint was of no use then, whoever waited for it.
      const bool late = event == ClusterEvent::NodeTaintsChanged && events.has(ClusterEvent::NodeAdded);
      if (events.has(event) || late) woken |= bit_of(name);
    }
  }
}

PluginSet Profile::bit_of(std::string_view plugin) const {
  const auto found = std::ranges::find(names_, plugin);
  return found == names_.end() ? 0 : PluginSet{1} << (found - names_.begin());
}

QueueingHint Profile::hint(std::string_view name, const ClusterChange& change, const Pod& waiting) const {
  const Plugin* plugin = this->plugin(name);
  return plugin && plugin->retry_on().has(change.event) ? plugin->hint(change, waiting) : QueueingHint::Queue;
}

Profile::Class Profile::class_of(const Pod& pod, const PodInfo& info) const {
  Class out;
  for (std::size_t i = 0; i + 1 < names_.size(); ++i) {
    const std::size_t before = out.key.size();
    if (by_bit_[i]->class_key(pod, info, out.key)) continue;
    out.key.resize(before);
    out.undeclared |= PluginSet{1} << i;
  }
  // Who has an opinion of its own of a pod does not stand with those that he has none of, whatever the others say.
  add_number(out.key, static_cast<std::int64_t>(out.undeclared));
  return out;
}

std::uint64_t* Profile::asked(Point point) {
  const auto names = spec_.points.find(point);
  if (names == spec_.points.end()) return nullptr;
  auto& counts = asked_[point];
  counts.resize(names->second.size());
  return counts.data();
}

const Plugin* Profile::plugin(std::string_view name) const {
  const auto found = plugins_.find(name);
  return found == plugins_.end() ? nullptr : found->second.get();
}

Verdict Profile::pre_enqueue(const Pod& pod) const {
  for (const PreEnqueuePlugin* plugin : pre_enqueue_) {
    Verdict verdict = plugin->pre_enqueue(pod);
    if (!verdict.success()) return std::move(verdict).by(plugin->name());
  }
  return Verdict::fits();
}

// -- The cycle

Profile::PreFiltered Profile::pre_filter(CycleState& state, const Pod& pod, std::span<const NodeInfo* const> nodes) const {
  PreFiltered out;
  Timed timed(metrics_, *this, Point::PreFilter);
  for (std::size_t i = 0; i < pre_filter_.size(); ++i) {
    const PreFilterPlugin* plugin = pre_filter_[i];
    PreFilterResult result =
        ask(metrics_, state.measures_plugins(), Point::PreFilter, *plugin, [&] { return plugin->pre_filter(state, pod, nodes); });
    if (result.verdict.skipped()) {
      state.skip_filter(plugin);
      continue;
    }
    ++pre_filter_asked_[i];
    timed.says(result.verdict.code());
    if (!result.verdict.success()) {
      out.verdict = refused(result.verdict, *plugin, "PreFilter");
      return out;
    }
    if (!result.nodes) continue;
    out.narrowed_by.push_back(plugin->name());
    if (out.nodes) {
      std::erase_if(*out.nodes, [&](const std::string& name) { return !result.nodes->contains(name); });
    } else {
      out.nodes = std::move(result.nodes);
    }
    if (!out.nodes->empty()) continue;
    const bool alone = out.narrowed_by.size() == 1;
    timed.says(Code::UnschedulableAndUnresolvable);
    out.verdict = Verdict::owning(Code::UnschedulableAndUnresolvable,
                                  alone ? fmt::format("node(s) didn't satisfy plugin {}", out.narrowed_by.front())
                                        : fmt::format("node(s) didn't satisfy plugin(s) [{}] simultaneously",
                                                      fmt::join(out.narrowed_by, " ")))
                      .by(plugin->name());
    return out;
  }
  return out;
}

Verdict Profile::filter(const CycleState& state, const Pod& pod, const NodeInfo& node) const {
  const bool measured = state.measures_node();
  for (std::size_t i = 0; i < filter_.size(); ++i) {
    const FilterPlugin* plugin = filter_[i];
    if (!state.filters(plugin)) continue;
    ++filter_asked_[i];
    Verdict verdict = ask(metrics_, measured, Point::Filter, *plugin, [&] { return plugin->filter(state, pod, node); });
    if (!verdict.success()) return std::move(verdict).by(plugin->name());
  }
  return Verdict::fits();
}

Verdict Profile::filter(const CycleState& state, const Pod& pod, const NodeInfo& node, const Nominator& nominated) const {
  const auto counts = [&](const PodRef& other) {
    return other->priority >= state.pod().priority && other->uid != state.pod().uid;
  };
  const auto expected = nominated.on(node.name());
  if (std::ranges::any_of(expected, counts)) {
    CycleState with = state.clone();
    NodeInfo fuller = node;
    for (const PodRef& other : expected) {
      if (!counts(other)) continue;
      fuller.add_pod(other);
      if (Verdict verdict = add_pod(with, pod, *other, fuller); !verdict.success()) return verdict;
    }
    if (Verdict verdict = filter(with, pod, fuller); !verdict.success()) return verdict;
  }
  return filter(state, pod, node);
}

Verdict Profile::add_pod(CycleState& state, const Pod& pod, const PodInfo& added, const NodeInfo& node) const {
  for (const PreFilterPlugin* plugin : pre_filter_) {
    if (!state.filters(plugin)) continue;
    if (const Verdict verdict = plugin->add_pod(state, pod, added, node); !verdict.success()) {
      return Verdict::error(fmt::format("running AddPod on PreFilter plugin \"{}\": {}", plugin->name(), verdict.message()));
    }
  }
  return Verdict::fits();
}

Verdict Profile::remove_pod(CycleState& state, const Pod& pod, const PodInfo& removed, const NodeInfo& node) const {
  for (const PreFilterPlugin* plugin : pre_filter_) {
    if (!state.filters(plugin)) continue;
    if (const Verdict verdict = plugin->remove_pod(state, pod, removed, node); !verdict.success()) {
      return Verdict::error(fmt::format("running RemovePod on PreFilter plugin \"{}\": {}", plugin->name(), verdict.message()));
    }
  }
  return Verdict::fits();
}

Task<PostFilterResult> Profile::post_filter(CycleState& state, const Pod& pod, const Rejections& rejections) const {
  PostFilterResult out;
  std::string reasons;
  Timed timed(metrics_, *this, Point::PostFilter);
  for (PostFilterPlugin* plugin : post_filter_) {
    const bool measured = state.measures_plugins();
    const Steady begun = measured ? metrics_->now() : Steady();
    PostFilterResult result = co_await plugin->post_filter(state, pod, rejections);
    if (measured) metrics_->plugin(Point::PostFilter, plugin->name(), result.verdict.code(), metrics_->now() - begun);
    timed.says(result.verdict.code());
    if (result.verdict.success() || result.verdict.failed()) {
      Verdict verdict = std::move(result.verdict).by(plugin->name());
      result.verdict = std::move(verdict);  // not into itself
      co_return result;
    }
    if (const std::string message = result.verdict.message(); !message.empty()) {
      reasons += (reasons.empty() ? "" : ", ") + message;
    }
    if (result.nominated_node) out.nominated_node = std::move(result.nominated_node);
  }
  out.verdict = Verdict::owning(Code::Unschedulable, std::move(reasons));
  co_return out;
}

Verdict Profile::pre_score(CycleState& state, const Pod& pod, std::span<const NodeInfo* const> nodes) const {
  Timed timed(metrics_, *this, Point::PreScore);
  for (std::size_t i = 0; i < pre_score_.size(); ++i) {
    const PreScorePlugin* plugin = pre_score_[i];
    const Verdict verdict =
        ask(metrics_, state.measures_plugins(), Point::PreScore, *plugin, [&] { return plugin->pre_score(state, pod, nodes); });
    if (!verdict.skipped()) ++pre_score_asked_[i];
    if (verdict.skipped()) {
      state.skip_score(plugin);
    } else if (!verdict.success()) {
      timed.says(Code::Error);
      return Verdict::error(fmt::format("running PreScore plugin \"{}\": {}", plugin->name(), verdict.message()))
          .by(plugin->name());
    }
  }
  return Verdict::fits();
}

std::vector<NodeScore> Profile::score(const CycleState& state, const Pod& pod, std::span<const NodeInfo* const> nodes) const {
  std::vector<NodeScore> total, one;
  total.reserve(nodes.size());
  for (const NodeInfo* node : nodes) total.push_back({node, 0});
  Timed timed(metrics_, *this, Point::Score);
  for (std::size_t p = 0; p < score_.size(); ++p) {
    if (!is_scored(p, state)) continue;
    one.clear();
    const Steady begun = state.measures_plugins() ? metrics_->now() : Steady();
    for (const NodeInfo* node : nodes) one.push_back({node, raw_score(p, state, pod, *node)});
    if (state.measures_plugins() && !nodes.empty()) {
      metrics_->plugin(Point::Score, score_[p].plugin->name(), Code::Success, (metrics_->now() - begun) / nodes.size());
    }
    add_weighted(p, one, total);
  }
  return total;
}

void Profile::add_weighted(std::size_t number, std::span<NodeScore> raw, std::span<NodeScore> total) const {
  const auto& [plugin, weight] = score_[number];
  plugin->normalize(raw);
  for (std::size_t i = 0; i < raw.size(); ++i) {
    check_range(plugin->name(), raw[i].score);
    total[i].score += raw[i].score * weight;
  }
}

PluginSet Profile::active_filters(const CycleState& state) const {
  PluginSet out = 0;
  for (std::size_t i = 0; i < filter_.size(); ++i) {
    if (state.filters(filter_[i])) out |= filter_bits_[i];
  }
  return out;
}

PluginSet Profile::active_scorers(const CycleState& state) const {
  PluginSet out = 0;
  for (std::size_t i = 0; i < score_.size(); ++i) {
    if (state.scores(score_[i].plugin)) out |= score_bits_[i];
  }
  return out;
}

Verdict Profile::reserve(CycleState& state, const Pod& pod, std::string_view node) const {
  Timed timed(metrics_, *this, Point::Reserve);
  for (ReservePlugin* plugin : reserve_) {
    const Verdict verdict = plugin->reserve(state, pod, node);
    timed.says(verdict.code());
    if (!verdict.success()) return refused(verdict, *plugin, "Reserve");
  }
  return Verdict::fits();
}

void Profile::unreserve(CycleState& state, const Pod& pod, std::string_view node) const {
  for (ReservePlugin* plugin : std::views::reverse(reserve_)) plugin->unreserve(state, pod, node);
}

Verdict Profile::permit(CycleState& state, const Pod& pod, std::string_view node, WaitingPods& waiting) const {
  std::vector<WaitingPods::Hold> holds;
  Timed timed(metrics_, *this, Point::Permit);
  for (PermitPlugin* plugin : permit_) {
    const PermitResult result = plugin->permit(state, pod, node);
    if (result.verdict.success()) continue;
    timed.says(result.verdict.code());
    if (!result.verdict.waits()) return refused(result.verdict, *plugin, "Permit");
    holds.push_back({plugin->name(), std::min(result.timeout, kPermitTimeoutMost)});
  }
  if (holds.empty()) return Verdict::fits();
  waiting.add(pod.metadata().uid(), std::move(holds));
  return Verdict::wait();
}

// -- Binding

namespace {

// What is thrown while binding (a refused request, a lost connection) is the plugin's error, and is told as such.
Task<Verdict> errors_as_verdicts(Task<Verdict> step) {
  try {
    co_return co_await step;
  } catch (const std::exception& error) {
    co_return Verdict::error(error.what());
  }
}

}  // namespace

Verdict Profile::pre_bind_pre_flight(CycleState& state, const Pod& pod, std::string_view node) const {
  bool some = false;
  for (PreBindPlugin* plugin : pre_bind_) {
    const Verdict verdict = plugin->pre_bind_pre_flight(state, pod, node);
    if (verdict.skipped()) {
      state.skip_pre_bind(plugin);
    } else if (verdict.success()) {
      some = true;
    } else {
      return Verdict::error(fmt::format("running PreBindPreFlight \"{}\": {}", plugin->name(), verdict.message()));
    }
  }
  return some ? Verdict::fits() : Verdict::skip();
}

Task<Verdict> Profile::pre_bind(CycleState& state, const Pod& pod, std::string node) const {
  Timed timed(metrics_, *this, Point::PreBind);
  for (PreBindPlugin* plugin : pre_bind_) {
    if (!state.pre_binds(plugin)) continue;
    const Verdict verdict = co_await errors_as_verdicts(plugin->pre_bind(state, pod, node));
    if (!verdict.success() && !verdict.skipped()) {
      timed.says(verdict.code());
      co_return refused(verdict, *plugin, "PreBind");
    }
  }
  co_return Verdict::fits();
}

Task<Verdict> Profile::bind(CycleState& state, const Pod& pod, std::string node) const {
  Timed timed(metrics_, *this, Point::Bind);
  for (BindPlugin* plugin : bind_) {
    const Verdict verdict = co_await errors_as_verdicts(plugin->bind(state, pod, node));
    timed.says(verdict.code());
    if (verdict.skipped()) continue;
    if (verdict.success()) co_return Verdict::fits();
    co_return refused(verdict, *plugin, "Bind");
  }
  co_return Verdict::error("every bind plugin skipped the pod");
}

void Profile::post_bind(CycleState& state, const Pod& pod, std::string_view node) const {
  const Timed timed(metrics_, *this, Point::PostBind);
  for (PostBindPlugin* plugin : post_bind_) plugin->post_bind(state, pod, node);
}

}  // namespace ph::scheduler
