#include "controllers/pod_gc/plan.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "controllers/common/disruption_target.h"

namespace ph::controllers::pod_gc {
namespace {

bool was_evicted(const PodView& pod) { return pod.phase == "Failed" && pod.reason == "Evicted"; }

bool goes_before(const Ref<PodView>& a, const Ref<PodView>& b) {
  if (was_evicted(*a) != was_evicted(*b)) return was_evicted(*a);
  if (a->created != b->created) return a->created < b->created;
  if (a->name != b->name) return a->name < b->name;
  return a->namespace_name.view() < b->namespace_name.view();
}

// Those of `pods` for which `holds`, in the order in which they go.
template <class Holds>
std::vector<Ref<PodView>> chosen(const std::vector<Ref<PodView>>& pods, Holds holds) {
  std::vector<Ref<PodView>> out;
  std::ranges::copy_if(pods, std::back_inserter(out), [&](const Ref<PodView>& pod) { return holds(*pod); });
  std::ranges::sort(out, goes_before);
  return out;
}

std::vector<Ref<PodView>> too_many_terminated(const std::vector<Ref<PodView>>& pods, int most) {
  if (most <= 0) return {};
  std::vector<Ref<PodView>> out = chosen(pods, [](const PodView& pod) { return pod.finished(); });
  const auto kept = std::min(out.size(), static_cast<std::size_t>(most));
  out.resize(out.size() - kept);
  return out;
}

}  // namespace

std::vector<Victim> victims(const std::vector<Ref<PodView>>& pods, const Facts& facts) {
  std::vector<Victim> out;
  std::set<std::string_view> taken;
  const auto take = [&](const std::vector<Ref<PodView>>& list, Why why) {
    for (const Ref<PodView>& pod : list) {
      if (taken.insert(pod->uid).second) out.push_back({pod, why});
    }
  };
  take(too_many_terminated(pods, facts.terminated_max), Why::Terminated);
  take(chosen(pods, [&](const PodView& pod) { return pod.deletion && facts.out_of_service.contains(pod.node_name.view()); }),
       Why::OutOfService);
  take(chosen(pods, [&](const PodView& pod) { return facts.gone.contains(pod.node_name.view()); }), Why::Orphaned);
  take(chosen(pods, [](const PodView& pod) { return pod.deletion && pod.node_name.empty(); }), Why::Unscheduled);
  return out;
}

bool is_ending_for_good(const PodView& pod) { return pod.finished() && pod.deletion && pod.deletion_grace_seconds == 0; }

bool is_out_of_service(const informers::NodeView& node) {
  const auto is_word = [](const auto& taint) { return taint.key() == "node.kubernetes.io/out-of-service"; };
  return !node.ready && std::ranges::any_of(node.taints, is_word);
}

std::string failed_patch(const core::v1::Pod& now, Why why, Time at) {
  nlohmann::json status = {{"phase", "Failed"}, {"observedGeneration", now.metadata().generation()}};
  if (why == Why::Orphaned) {
    constexpr Disruption kWhy{.reason = "DeletionByPodGC", .message = "PodGC: node no longer exists"};
    status.update(disruption_target(now, kWhy, at));
  }
  return nlohmann::json{{"metadata", {{"uid", now.metadata().uid()}}}, {"status", std::move(status)}}.dump();
}

std::vector<std::string> Quarantine::due(const Names& missing, Steady now) {
  std::erase_if(since_, [&](const auto& node) { return !missing.contains(node.first); });
  std::vector<std::string> out;
  for (const std::string& node : missing) {
    const Steady since = since_.try_emplace(node, now).first->second;
    if (since + kTime <= now) out.push_back(node);
  }
  return out;
}

}  // namespace ph::controllers::pod_gc
