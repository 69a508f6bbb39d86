// Dice: random nodes and pods with random rules about each other.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

#include "base/rng.h"
#include "tests/scheduler/make.h"

namespace ph::scheduler::test {

// Small vocabularies, so that things meet.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : rng_(seed) {}
  bool once_in(std::uint64_t n) { return rng_.below(n) == 0; }
  // 0 to `most`.
  int upto(int most) { return static_cast<int>(rng_.below(static_cast<std::uint64_t>(most) + 1)); }
  std::string one_of(std::initializer_list<const char*> all) { return *(all.begin() + rng_.below(all.size())); }

  core::v1::Node node(int number) {
    MakeNode out("n" + std::to_string(number));
    if (!once_in(6)) out = std::move(out).label("zone", one_of({"a", "b", "c"}));
    if (!once_in(6)) out = std::move(out).label("kubernetes.io/hostname", "n" + std::to_string(number));
    if (once_in(2)) out = std::move(out).label("rack", one_of({"a", "b"}));
    if (once_in(5)) out = std::move(out).taint("t", "", one_of({"NoSchedule", "PreferNoSchedule"}));
    return out;
  }

  core::v1::Pod pod(const std::string& name, int nodes) {
    MakePod out(one_of({"default/", "other/"}) + name);
    for (const char* key : {"app", "tier"}) {
      if (!once_in(4)) out = std::move(out).label(key, one_of({"x", "y"}));
    }
    if (nodes > 0) out = std::move(out).on("n" + std::to_string(upto(nodes - 1)));
    core::v1::Pod pod = out;
    if (nodes > 0 && once_in(8)) pod.mutable_metadata()->mutable_deletion_timestamp()->set_seconds(1);
    return pod;
  }

  void selector(meta::v1::LabelSelector& out) {
    if (once_in(6)) return;
    if (once_in(2)) (*out.mutable_match_labels())[one_of({"app", "tier"})] = one_of({"x", "y"});
    if (!once_in(3)) return;
    auto* one = out.add_match_expressions();
    one->set_key(one_of({"app", "tier"}));
    one->set_operator_(one_of({"In", "NotIn", "Exists", "DoesNotExist"}));
    if (one->operator_().ends_with("In")) one->add_values(one_of({"x", "y"}));
  }
  std::string topology() { return one_of({"zone", "kubernetes.io/hostname", "rack"}); }

  core::v1::PodAffinityTerm term() {
    core::v1::PodAffinityTerm out;
    out.set_topology_key(topology());
    if (!once_in(8)) selector(*out.mutable_label_selector());
    if (once_in(3)) out.add_namespaces(one_of({"default", "other"}));
    if (once_in(4)) {
      out.mutable_namespace_selector();
      if (once_in(2)) (*out.mutable_namespace_selector()->mutable_match_labels())["team"] = one_of({"default", "other"});
    }
    return out;
  }
  void affinity(core::v1::Pod& pod) {
    auto& all = *pod.mutable_spec()->mutable_affinity();
    if (once_in(2)) *all.mutable_pod_affinity()->add_required_during_scheduling_ignored_during_execution() = term();
    if (once_in(4)) *all.mutable_pod_affinity()->add_required_during_scheduling_ignored_during_execution() = term();
    if (once_in(2)) *all.mutable_pod_anti_affinity()->add_required_during_scheduling_ignored_during_execution() = term();
    const auto weighted = [&](auto* to) {
      to->set_weight(1 + upto(99));
      *to->mutable_pod_affinity_term() = term();
    };
    if (once_in(2)) weighted(all.mutable_pod_affinity()->add_preferred_during_scheduling_ignored_during_execution());
    if (once_in(2)) weighted(all.mutable_pod_anti_affinity()->add_preferred_during_scheduling_ignored_during_execution());
  }

  void constraint(core::v1::Pod& pod, const std::string& when) {
    auto& out = *pod.mutable_spec()->add_topology_spread_constraints();
    out.set_max_skew(1 + upto(2));
    out.set_topology_key(topology());
    out.set_when_unsatisfiable(when);
    if (!once_in(8)) selector(*out.mutable_label_selector());
    if (when == "DoNotSchedule" && once_in(3)) out.set_min_domains(1 + upto(3));
    if (once_in(3)) out.set_node_affinity_policy(one_of({"Honor", "Ignore"}));
    if (once_in(3)) out.set_node_taints_policy(one_of({"Honor", "Ignore"}));
    const bool selects = out.has_label_selector() &&
                         !(out.label_selector().match_labels().empty() && out.label_selector().match_expressions().empty());
    if (selects && once_in(4)) out.add_match_label_keys(one_of({"app", "tier"}));
  }

 private:
  SeededRng rng_;
};

}  // namespace ph::scheduler::test
