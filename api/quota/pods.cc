// Pods, in quotas: their number, what they ask for and may have, and the scopes they are in.
#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/codec.h"
#include "api/quota/kinds.h"

namespace ph::api::quota {
namespace {

using core::v1::Container, core::v1::Pod;

constexpr std::array<std::string_view, 10> kNames{"cpu",
                                                  "memory",
                                                  "ephemeral-storage",
                                                  "pods",
                                                  "requests.cpu",
                                                  "requests.memory",
                                                  "limits.cpu",
                                                  "limits.memory",
                                                  "requests.ephemeral-storage",
                                                  "limits.ephemeral-storage"};
// What every container has to name where a quota counts it: as it was before there were classes of service.
constexpr std::array<std::string_view, 6> kDemanded{"cpu",    "limits.cpu",   "limits.memory",
                                                    "memory", "requests.cpu", "requests.memory"};

bool is_huge_pages(std::string_view name) { return name.starts_with("hugepages-"); }
bool is_native(std::string_view name) { return name.find('/') == name.npos || name.find("kubernetes.io/") != name.npos; }

// The names under which amounts of a pod or a container are counted.
ResourceAmounts named(const ResourceAmounts& requests, const ResourceAmounts& limits) {
  ResourceAmounts out;
  for (const std::string_view name : {"cpu", "memory", "ephemeral-storage"}) {
    if (const auto found = requests.find(name); found != requests.end()) {
      out.emplace(name, found->second);
      out.emplace(fmt::format("requests.{}", name), found->second);
    }
    if (const auto found = limits.find(name); found != limits.end()) out.emplace(fmt::format("limits.{}", name), found->second);
  }
  for (const auto& [name, amount] : requests) {
    if (is_huge_pages(name)) out.emplace(name, amount);
    if (is_huge_pages(name) || (!is_native(name) && !name.starts_with("requests."))) out.emplace("requests." + name, amount);
  }
  return out;
}

bool is_best_effort(const Pod& pod) {
  if (!pod.status().qos_class().empty()) return pod.status().qos_class() == "BestEffort";
  const auto asks = [](const core::v1::ResourceRequirements& resources) {
    const auto is_counted = [](const auto& entry) {
      const auto amount = Quantity::parse(entry.second.string());
      return (entry.first == "cpu" || entry.first == "memory") && amount && !amount->is_zero();
    };
    return std::ranges::any_of(resources.requests(), is_counted) || std::ranges::any_of(resources.limits(), is_counted);
  };
  const auto& spec = pod.spec();
  if (spec.has_resources()) return !asks(spec.resources());
  const auto of = [&](const Container& container) { return asks(container.resources()); };
  return std::ranges::none_of(spec.containers(), of) && std::ranges::none_of(spec.init_containers(), of);
}

bool looks_beyond(const core::v1::PodAffinityTerm& term) { return term.namespaces_size() > 0 || term.has_namespace_selector(); }

template <class Affinity>
bool has_term_beyond(const Affinity& affinity) {
  return std::ranges::any_of(affinity.required_during_scheduling_ignored_during_execution(), looks_beyond) ||
         std::ranges::any_of(affinity.preferred_during_scheduling_ignored_during_execution(),
                             [](const auto& weighted) { return looks_beyond(weighted.pod_affinity_term()); });
}

class CountedPods final : public Counted {
 public:
  explicit CountedPods(std::string count_name) : Counted(std::move(count_name), {}) {}

  bool counts(std::string_view name) const override {
    if (Counted::counts(name) || std::ranges::find(kNames, name) != kNames.end()) return true;
    if (is_huge_pages(name) || name.starts_with("requests.hugepages-")) return true;
    return !is_native(name) && name.starts_with("requests.");
  }

  // Those that have ended are still objects.
  ResourceAmounts usage(const google::protobuf::Message& object, Time now) const override {
    const auto& pod = static_cast<const Pod&>(object);
    ResourceAmounts out = Counted::usage(object, now);
    if (!pod_counts(pod, now)) return out;
    out.emplace("pods", Quantity::of(1));
    out.merge(named(pod_requests(pod), pod_limits(pod)));
    return out;
  }

  bool in_scope(const ScopedResourceSelectorRequirement& scope, const google::protobuf::Message& object) const override {
    const auto& pod = static_cast<const Pod&>(object);
    const std::string& name = scope.scope_name();
    const bool ends = pod.spec().has_active_deadline_seconds() && pod.spec().active_deadline_seconds() >= 0;
    if (name == "Terminating") return ends;
    if (name == "NotTerminating") return !ends;
    if (name == "BestEffort") return is_best_effort(pod);
    if (name == "NotBestEffort") return !is_best_effort(pod);
    if (name == "PriorityClass") return holds_of_name(scope, pod.spec().priority_class_name());
    if (name != "CrossNamespacePodAffinity") return false;
    const auto& affinity = pod.spec().affinity();
    return has_term_beyond(affinity.pod_affinity()) || has_term_beyond(affinity.pod_anti_affinity());
  }

  std::string missing(const google::protobuf::Message& object, const std::vector<std::string>& names) const override {
    const auto& spec = static_cast<const Pod&>(object).spec();
    if (has_resources_as_a_whole(spec)) return {};
    std::map<std::string_view, std::set<std::string_view>> containers;  // by what they do not name
    for (const auto* list : {&spec.containers(), &spec.init_containers()}) {
      for (const Container& container : *list) {
        const auto says = named(amounts_of(container.resources().requests()), amounts_of(container.resources().limits()));
        for (const std::string& name : names) {
          const bool is_demanded = std::ranges::find(kDemanded, name) != kDemanded.end();
          if (is_demanded && !says.contains(name)) containers[name].insert(container.name());
        }
      }
    }
    if (containers.empty()) return {};
    std::vector<std::string> each;
    for (const auto& [name, of] : containers) each.push_back(fmt::format("{} for: {}", name, fmt::join(of, ",")));
    return fmt::format("must specify {}", fmt::join(each, "; "));
  }

  bool grows_by_update(std::string_view part) const override { return part == "resize"; }
};

}  // namespace

bool holds_of_name(const ScopedResourceSelectorRequirement& scope, std::string_view name) {
  const std::string& op = scope.operator_();
  if (op == "Exists") return !name.empty();
  if (op == "DoesNotExist") return name.empty();
  const bool is_named = !name.empty() && std::ranges::find(scope.values(), name) != scope.values().end();
  return op == "In" ? is_named : op == "NotIn" && !is_named;
}

std::unique_ptr<Counted> counted_pods(std::string count_name) { return std::make_unique<CountedPods>(std::move(count_name)); }

}  // namespace ph::api::quota
