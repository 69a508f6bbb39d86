// v1 Pod: what may change once it exists.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/internal_form.h"
#include "api/text_diff.h"
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

// False: there is nothing more to compare.
bool check_container_changes(const List<Container>& now, const List<Container>& old, const Path& path, Errors& errors) {
  if (now.size() != old.size()) {
    errors.forbidden(path, "pod updates may not add or remove containers");
    return false;
  }
  // Images are judged once more: they may change.
  for (int i = 0; i < now.size(); ++i) {
    if (now[i].image().empty()) errors.required(path.index(i).member("image"));
  }
  check_images_of_pod(now, path, errors);
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

void check_tolerations_change(const List<Toleration>& now, const List<Toleration>& old, const Path& path, Errors& errors) {
  for (Toleration before : old) {
    const bool kept = std::ranges::any_of(now, [&](const Toleration& after) {
      before.clear_toleration_seconds();
      if (after.has_toleration_seconds()) before.set_toleration_seconds(after.toleration_seconds());
      return same(after, before);
    });
    if (!kept) return errors.forbidden(path, "existing toleration can not be modified except its tolerationSeconds");
  }
  check_tolerations(now, path, errors);
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
    return errors.invalid(path, json_of(now), "only additions to spec.nodeSelector are allowed (no mutations or deletions)");
  }
}

// Whether `longer` begins as `shorter`.
bool extends(const List<NodeSelectorRequirement>& longer, const List<NodeSelectorRequirement>& shorter) {
  if (longer.size() < shorter.size()) return false;
  for (int e = 0; e < shorter.size(); ++e) {
    if (!same(longer[e], shorter[e])) return false;
  }
  return true;
}

// A term that was empty, and selected nothing, stays so.
bool extends(const NodeSelectorTerm& longer, const NodeSelectorTerm& shorter) {
  if (shorter.match_expressions().empty() && shorter.match_fields().empty())
    return longer.match_expressions().empty() && longer.match_fields().empty();
  return extends(longer.match_expressions(), shorter.match_expressions()) &&
         extends(longer.match_fields(), shorter.match_fields());
}

std::string json_of(const List<NodeSelectorTerm>& terms) {
  std::vector<std::string> shown;
  for (const NodeSelectorTerm& term : terms) shown.push_back(internal_json(term));
  return shown.empty() ? "null" : fmt::format("[{}]", fmt::join(shown, ","));
}

void check_narrower_affinity(const List<NodeSelectorTerm>& now, const List<NodeSelectorTerm>& old, const Path& path,
                             Errors& errors) {
  if (old.empty()) return;
  if (now.size() != old.size())
    return errors.invalid(path, json_of(now), "no additions/deletions to non-empty NodeSelectorTerms list are allowed");
  for (int i = 0; i < now.size(); ++i) {
    if (!extends(now[i], old[i]))
      errors.invalid_message(path.index(i), now[i], "only additions are allowed (no mutations or deletions)");
  }
}

void check_gated_changes(const PodSpec& now, const PodSpec& old, const Path& path, Errors& errors) {
  check_narrower_selector(now.node_selector(), old.node_selector(), path.member("nodeSelector"), errors);
  const auto terms = [](const PodSpec& spec) -> const List<NodeSelectorTerm>& {
    return spec.affinity().node_affinity().required_during_scheduling_ignored_during_execution().node_selector_terms();
  };
  const Path at = path.member("affinity").member("nodeAffinity").member("requiredDuringSchedulingIgnoredDuringExecution");
  check_narrower_affinity(terms(now), terms(old), at.member("nodeSelectorTerms"), errors);
}

// What of a gated pod may be narrowed.
void put_back_nodes(PodSpec& spec, const PodSpec& old) {
  *spec.mutable_node_selector() = old.node_selector();
  const NodeAffinity& before = old.affinity().node_affinity();
  if (same(spec.affinity().node_affinity(), before) && spec.affinity().has_node_affinity() == old.affinity().has_node_affinity())
    return;
  const bool others = spec.affinity().has_pod_affinity() || spec.affinity().has_pod_anti_affinity();
  if (spec.has_affinity() && !old.has_affinity() && !others) {
    spec.clear_affinity();
  } else if (old.affinity().has_node_affinity()) {
    *spec.mutable_affinity()->mutable_node_affinity() = before;
  } else {
    spec.mutable_affinity()->clear_node_affinity();
  }
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
  if (!old.scheduling_gates().empty()) put_back_nodes(spec, old);
  return spec;
}

}  // namespace

void validate_update(const Pod& now, const Pod& old, Errors& errors) {
  const PodSpec& after = now.spec();
  const PodSpec& before = old.spec();
  const Path path("spec"), annotations = Path("metadata").member("annotations");
  check_pod_whole(now, {.any_se_linux_policy = before.security_context().has_se_linux_change_policy()}, errors);
  check_pod_annotations_change(now.metadata().annotations(), old.metadata().annotations(), annotations, errors);
  check_pod_annotations(now.metadata().annotations(), after, annotations, errors);
  if (!check_container_changes(after.containers(), before.containers(), path.member("containers"), errors)) return;
  if (!check_container_changes(after.init_containers(), before.init_containers(), path.member("initContainers"), errors)) return;
  if (!check_deadline_change(after, before, path.member("activeDeadlineSeconds"), errors)) return;
  check_tolerations_change(after.tolerations(), before.tolerations(), path.member("tolerations"), errors);
  check_gates_change(after.scheduling_gates(), before.scheduling_gates(), path.member("schedulingGates"), errors);
  if (same(after, before)) return;
  if (!before.scheduling_gates().empty()) check_gated_changes(after, before, path, errors);
  const PodSpec rest = put_back(after, before);
  if (same(rest, before)) return;
  errors.forbidden(path, fmt::format("{}\n{}", kMayChange, diff_lines(internal_json_lines(before), internal_json_lines(rest))));
}

}  // namespace ph::api
