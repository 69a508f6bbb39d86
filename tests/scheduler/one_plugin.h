// One plugin at work on a small cluster, as a profile would drive it; objects are written as YAML.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "base/rng.h"
#include "tests/scheduler/make.h"
#include "tests/scheduler/stored_objects.h"

namespace ph::scheduler::test {

template <class T>
T from_yaml(std::string_view text) {
  T out;
  api::from_json(nlohmann::json::parse(api::yaml_to_json(text)), out);
  return out;
}

// A pod of the namespace default, unless it says another, whose UID is "uid-NAME".
inline core::v1::Pod pod_from(std::string_view yaml) {
  auto out = from_yaml<core::v1::Pod>(yaml);
  if (out.metadata().namespace_().empty()) out.mutable_metadata()->set_namespace_("default");
  if (out.metadata().name().empty()) out.mutable_metadata()->set_name("p");
  if (out.metadata().uid().empty()) out.mutable_metadata()->set_uid("uid-" + out.metadata().name());
  return out;
}

// A node with these labels: "zone=a,host=b".
inline core::v1::Node labelled_node(const std::string& name, std::string_view labels = {}) {
  MakeNode out(name);
  while (!labels.empty()) {
    const auto end = std::min(labels.find(','), labels.size());
    const auto label = labels.substr(0, end);
    const auto equals = label.find('=');
    out = std::move(out).label(std::string(label.substr(0, equals)), std::string(label.substr(equals + 1)));
    labels.remove_prefix(std::min(end + 1, labels.size()));
  }
  return out;
}

class OnePlugin {
 public:
  explicit OnePlugin(std::string_view name, PluginArgs args = {}) : name_(name), args_(std::move(args)) {}

  OnePlugin& node(const std::string& name, std::string_view labels = {}) { return node(labelled_node(name, labels)); }
  OnePlugin& node(core::v1::Node node) {
    cluster_.node(std::move(node));
    return *this;
  }
  OnePlugin& pod(std::string_view yaml) {
    cluster_.pod(pod_from(yaml));
    return *this;
  }
  template <class T>
  OnePlugin& object(T object) {
    objects_.put(std::move(object));
    return *this;
  }
  template <class T>
  OnePlugin& object(std::string_view yaml) {
    return object(from_yaml<T>(yaml));
  }

  const Plugin& plugin() {
    if (!plugin_) plugin_ = find_plugin(name_)->make(args_, world());
    return *plugin_;
  }
  Plugin& mutable_plugin() { return const_cast<Plugin&>(plugin()); }
  const Snapshot& snapshot() { return cluster_.take(); }
  Cache& cache() { return cluster_.cache; }

  // By node: "" where it fits, else the reasons, with "never: " before them where preemption would not help. What pre_filter says
  // of all nodes is under "*": "skip" when it has nothing to say.
  std::map<std::string, std::string> verdicts(const core::v1::Pod& pod) {
    const Snapshot& snapshot = cluster_.take();
    state_ = std::make_unique<CycleState>(make_pod_info(pod));
    if (const auto* pre = dynamic_cast<const PreFilterPlugin*>(&plugin())) {
      const auto result = pre->pre_filter(*state_, pod, snapshot.nodes());
      if (result.verdict.skipped()) return {{"*", "skip"}};
      if (!result.verdict.success()) return {{"*", text_of(result.verdict)}};
    }
    std::map<std::string, std::string> out;
    for (const NodeInfo* node : snapshot.nodes()) {
      out[node->name()] = text_of(dynamic_cast<const FilterPlugin&>(plugin()).filter(*state_, pod, *node));
    }
    return out;
  }
  // After `verdicts`: as if another pod had come to a node, or left it.
  std::string verdict_with(const core::v1::Pod& pod, const core::v1::Pod& other, const std::string& node, bool added) {
    CycleState state = state_->clone();
    const NodeInfo& info = *cluster_.snapshot.find(node);
    const PodRef placed = make_pod_info(other);
    const auto& pre = dynamic_cast<const PreFilterPlugin&>(plugin());
    if (added) {
      pre.add_pod(state, pod, *placed, info);
    } else {
      pre.remove_pod(state, pod, *placed, info);
    }
    return text_of(dynamic_cast<const FilterPlugin&>(plugin()).filter(state, pod, info));
  }

  // By node, of those named (all, if none is): the raw score, and what it becomes. Empty: the plugin has no say.
  std::map<std::string, std::pair<Score, Score>> scores(const core::v1::Pod& pod, const std::vector<std::string>& only = {}) {
    const Snapshot& snapshot = cluster_.take();
    std::vector<const NodeInfo*> nodes;
    for (const NodeInfo* node : snapshot.nodes()) {
      if (only.empty() || std::ranges::find(only, node->name()) != only.end()) nodes.push_back(node);
    }
    CycleState state(make_pod_info(pod));
    if (const auto* pre = dynamic_cast<const PreScorePlugin*>(&plugin())) {
      if (pre->pre_score(state, pod, nodes).skipped()) return {};
    }
    const auto& scorer = dynamic_cast<const ScorePlugin&>(plugin());
    std::vector<NodeScore> scores;
    for (const NodeInfo* node : nodes) scores.push_back({node, scorer.score(state, pod, *node)});
    std::map<std::string, std::pair<Score, Score>> out;
    for (const NodeScore& score : scores) out[score.node->name()].first = score.score;
    scorer.normalize(scores);
    for (const NodeScore& score : scores) out[score.node->name()].second = score.score;
    return out;
  }

  std::map<std::string, Score> normalized(const core::v1::Pod& pod, const std::vector<std::string>& only = {}) {
    std::map<std::string, Score> out;
    for (const auto& [node, score] : scores(pod, only)) out[node] = score.second;
    return out;
  }

  bool queues(const ClusterChange& change, const core::v1::Pod& waiting) {
    return plugin().retry_on().has(change.event) && plugin().hint(change, waiting) == QueueingHint::Queue;
  }

  static std::string text_of(const Verdict& verdict) {
    if (verdict.success()) return "";
    const std::string text = verdict.message();
    if (verdict.failed()) return "error: " + text;
    return verdict.code() == Code::UnschedulableAndUnresolvable ? "never: " + text : text;
  }

 private:
  PluginWorld world() { return {.rng = &rng_, .snapshot = &cluster_.take(), .objects = &objects_}; }

  std::string name_;
  PluginArgs args_;
  SeededRng rng_{1};
  Cluster cluster_;
  StoredObjects objects_;
  std::unique_ptr<Plugin> plugin_;
  std::unique_ptr<CycleState> state_;
};

}  // namespace ph::scheduler::test
