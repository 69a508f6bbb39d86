// v1 Pod: what may change once it exists, and its status.
#include <fmt/format.h>

#include "api/validation/pod_parts.h"

namespace ph::api {

using namespace core::v1;

namespace {

template <class T>
using List = google::protobuf::RepeatedPtrField<T>;

constexpr std::int64_t kInt32Max = 2147483647;

constexpr std::string_view kMayChange =
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

void check_whole(const Pod& pod, Errors& errors) { check_pod_spec(pod.spec(), pod.metadata(), Path("spec"), {}, errors); }

// False: there is nothing more to compare.
bool check_container_changes(const List<Container>& now, const List<Container>& old, const Path& path, Errors& errors) {
  if (now.size() != old.size()) {
    errors.forbidden(path, "pod updates may not add or remove containers");
    return false;
  }
  return true;
}

// May be set, and lowered, but not raised or taken away. False: the rest is not looked at.
bool check_deadline_change(const PodSpec& now, const PodSpec& old, const Path& path, Errors& errors) {
  if (!now.has_active_deadline_seconds()) {
    if (old.has_active_deadline_seconds()) errors.invalid(path, "null", "must not update from a positive integer to nil value");
    return true;
  }
  const std::int64_t seconds = now.active_deadline_seconds();
  if (seconds < 0 || seconds > kInt32Max) {
    errors.invalid(path, seconds, fmt::format("must be between 0 and {}, inclusive", kInt32Max));
    return false;
  }
  if (!old.has_active_deadline_seconds() || old.active_deadline_seconds() >= seconds) return true;
  errors.invalid(path, seconds, "must be less than or equal to previous value");
  return false;
}

bool same_but_seconds(Toleration a, Toleration b) {
  a.clear_toleration_seconds();
  b.clear_toleration_seconds();
  return same(a, b);
}

void check_tolerations_change(const List<Toleration>& now, const List<Toleration>& old, const Path& path, Errors& errors) {
  const bool all_kept = std::ranges::all_of(old, [&](const Toleration& before) {
    return std::ranges::any_of(now, [&](const Toleration& after) {
      // Only tolerations of NoExecute may change how long they last.
      return same(after, before) || (before.effect() == "NoExecute" && same_but_seconds(after, before));
    });
  });
  if (!all_kept) errors.forbidden(path, "existing toleration can not be modified except its tolerationSeconds");
}

void check_gates_change(const List<PodSchedulingGate>& now, const List<PodSchedulingGate>& old, const Path& path,
                        Errors& errors) {
  for (int i = 0; i < now.size(); ++i) {
    const bool known = std::ranges::any_of(old, [&](const PodSchedulingGate& gate) { return gate.name() == now[i].name(); });
    if (known) continue;
    errors.forbidden(path.index(i).member("name"),
                     fmt::format("only deletion is allowed, but found new scheduling gate '{}'", now[i].name()));
  }
}

// While a pod is held by gates, the nodes it may go to may be narrowed.
void check_narrower_selector(const StringMap& now, const StringMap& old, const Path& path, Errors& errors) {
  for (const auto* entry : sorted(old)) {
    const auto found = now.find(entry->first);
    if (found != now.end() && found->second == entry->second) continue;
    return errors.invalid(path, json_of(now), "only additions are allowed to spec.nodeSelector (no mutations or deletions)");
  }
}

void check_narrower_affinity(const NodeSelector& now, const NodeSelector& old, const Path& path, Errors& errors) {
  if (old.node_selector_terms().empty() && !now.node_selector_terms().empty()) return;
  if (now.node_selector_terms_size() != old.node_selector_terms_size()) {
    return errors.invalid_message(path, now, "no additions/deletions to non-empty NodeSelectorTerms list are allowed");
  }
  for (int i = 0; i < now.node_selector_terms_size(); ++i) {
    const NodeSelectorTerm& after = now.node_selector_terms(i);
    const NodeSelectorTerm& before = old.node_selector_terms(i);
    const auto extends = [](const List<NodeSelectorRequirement>& longer, const List<NodeSelectorRequirement>& shorter) {
      if (longer.size() < shorter.size()) return false;
      for (int e = 0; e < shorter.size(); ++e) {
        if (!same(longer[e], shorter[e])) return false;
      }
      return true;
    };
    if (extends(after.match_expressions(), before.match_expressions()) && extends(after.match_fields(), before.match_fields()))
      continue;
    errors.invalid_message(path.index(i), after, "only additions are allowed (no mutations or deletions)");
  }
}

void check_gated_changes(const PodSpec& now, const PodSpec& old, const Path& path, Errors& errors) {
  check_narrower_selector(now.node_selector(), old.node_selector(), path.member("nodeSelector"), errors);
  const NodeAffinity& before = old.affinity().node_affinity();
  if (!before.has_required_during_scheduling_ignored_during_execution()) return;
  const Path at = path.member("affinity").member("nodeAffinity").member("requiredDuringSchedulingIgnoredDuringExecution");
  if (!now.affinity().node_affinity().has_required_during_scheduling_ignored_during_execution()) {
    return errors.invalid(at.member("nodeSelectorTerms"), "null",
                          "no additions/deletions to non-empty NodeSelectorTerms list are allowed");
  }
  check_narrower_affinity(now.affinity().node_affinity().required_during_scheduling_ignored_during_execution(),
                          before.required_during_scheduling_ignored_during_execution(), at.member("nodeSelectorTerms"), errors);
}

// The new spec with everything that may change put back: what differs then may not.
PodSpec put_back(PodSpec spec, const PodSpec& old) {
  for (int i = 0; i < spec.containers_size(); ++i) spec.mutable_containers(i)->set_image(old.containers(i).image());
  for (int i = 0; i < spec.init_containers_size(); ++i)
    spec.mutable_init_containers(i)->set_image(old.init_containers(i).image());
  spec.clear_active_deadline_seconds();
  if (old.has_active_deadline_seconds()) spec.set_active_deadline_seconds(old.active_deadline_seconds());
  *spec.mutable_tolerations() = old.tolerations();
  *spec.mutable_scheduling_gates() = old.scheduling_gates();
  if (old.termination_grace_period_seconds() < 0 && spec.termination_grace_period_seconds() == 1) {
    spec.set_termination_grace_period_seconds(old.termination_grace_period_seconds());
  }
  if (old.scheduling_gates().empty()) return spec;
  *spec.mutable_node_selector() = old.node_selector();
  if (old.affinity().has_node_affinity()) {
    *spec.mutable_affinity()->mutable_node_affinity() = old.affinity().node_affinity();
  } else if (spec.has_affinity()) {
    spec.mutable_affinity()->clear_node_affinity();
    if (!old.has_affinity() && spec.affinity().ByteSizeLong() == 0) spec.clear_affinity();
  }
  return spec;
}

void check_transitions(const List<ContainerStatus>& now, const List<ContainerStatus>& old, std::string_view restart_policy,
                       const Path& path, Errors& errors) {
  if (restart_policy == "Always") return;
  for (const ContainerStatus& before : old) {
    if (!before.state().has_terminated()) continue;
    if (restart_policy == "OnFailure" && before.state().terminated().exit_code() != 0) continue;
    for (int i = 0; i < now.size(); ++i) {
      if (now[i].name() != before.name() || now[i].state().has_terminated()) continue;
      errors.forbidden(path.index(i).member("state"), "may not be transitioned to non-terminated state");
    }
  }
}

// A container with a restart policy or rules of its own may come back whatever the pod's policy is.
bool restarts_by_itself(const PodSpec& spec) {
  const auto own = [](const Container& c) { return c.has_restart_policy() || !c.restart_policy_rules().empty(); };
  return std::ranges::any_of(spec.containers(), own) || std::ranges::any_of(spec.init_containers(), own);
}

void check_pod_ips(const PodStatus& status, const Path& path, Errors& errors) {
  for (int i = 0; i < status.pod_ips_size(); ++i) check_ip_text(status.pod_ips(i).ip(), path.member("podIPs").index(i), errors);
  const auto six = [](const PodIP& one) { return one.ip().find(':') != std::string::npos; };
  const bool dual = status.pod_ips_size() == 2 && six(status.pod_ips(0)) != six(status.pod_ips(1));
  if (status.pod_ips_size() > 1 && !dual) {
    errors.invalid(path.member("podIPs"), std::to_string(status.pod_ips_size()),
                   "may specify no more than one IP for each IP family");
  }
  if (!status.host_ips().empty() && status.host_ips(0).ip() != status.host_ip()) {
    errors.invalid_text(path.member("hostIPs").index(0).member("ip"), status.host_ips(0).ip(), "must be equal to `hostIP`");
  }
}

}  // namespace

void validate(const Pod& pod, Errors& errors) {
  check_whole(pod, errors);
  const Path spec("spec");
  if (!pod.spec().ephemeral_containers().empty()) errors.forbidden(spec.member("ephemeralContainers"), "cannot be set on create");
  if (!pod.spec().scheduling_gates().empty() && !pod.spec().node_name().empty()) {
    errors.forbidden(spec.member("nodeName"), "cannot be set until all schedulingGates have been cleared");
  }
}

void validate_update(const Pod& now, const Pod& old, Errors& errors) {
  check_whole(now, errors);
  const Path path("spec");
  if (!check_container_changes(now.spec().containers(), old.spec().containers(), path.member("containers"), errors)) return;
  if (!check_container_changes(now.spec().init_containers(), old.spec().init_containers(), path.member("initContainers"), errors))
    return;
  if (!check_deadline_change(now.spec(), old.spec(), path.member("activeDeadlineSeconds"), errors)) return;
  check_tolerations_change(now.spec().tolerations(), old.spec().tolerations(), path.member("tolerations"), errors);
  check_gates_change(now.spec().scheduling_gates(), old.spec().scheduling_gates(), path.member("schedulingGates"), errors);
  if (same(now.spec(), old.spec())) return;
  if (!old.spec().scheduling_gates().empty()) check_gated_changes(now.spec(), old.spec(), path, errors);
  if (!same(put_back(now.spec(), old.spec()), old.spec())) errors.forbidden(path, fmt::format("{}\n", kMayChange));
}

void validate_status(const Pod& now, const Pod& old, Errors& errors) {
  const Path path("status");
  if (now.spec().node_name() != old.spec().node_name()) errors.forbidden(path.member("nodeName"), "may not be changed directly");
  if (!now.status().nominated_node_name().empty()) {
    check_subdomain(now.status().nominated_node_name(), path.member("nominatedNodeName"), errors);
  }
  if (!restarts_by_itself(now.spec())) {
    const std::string& policy = now.spec().restart_policy();
    check_transitions(now.status().container_statuses(), old.status().container_statuses(), policy,
                      path.member("containerStatuses"), errors);
    check_transitions(now.status().init_container_statuses(), old.status().init_container_statuses(),
                      policy == "Always" ? "OnFailure" : policy, path.member("initContainerStatuses"), errors);
  }
  check_pod_ips(now.status(), path, errors);
}

}  // namespace ph::api
