#include "controllers/daemonset/placement.h"

#include <algorithm>
#include <charconv>

#include "controllers/common/pods.h"
#include "controllers/common/revision_history.h"

namespace ph::controllers::daemonset {
namespace {

using core::v1::Taint, core::v1::Toleration;

// Takes the place of one that differs in nothing but how long it tolerates.
void put_toleration(api::Tolerations& tolerations, const char* key, const char* effect) {
  Toleration fresh;
  fresh.set_key(key);
  fresh.set_operator_("Exists");
  fresh.set_effect(effect);
  const auto same = std::ranges::find_if(tolerations, [&](const Toleration& each) {
    return each.key() == key && each.effect() == effect && each.operator_() == "Exists" && each.value().empty();
  });
  (same == tolerations.end() ? *tolerations.Add() : *same) = std::move(fresh);
}

// Daemons are there for nodes in trouble, too.
api::Tolerations tolerations_of(const core::v1::PodSpec& spec) {
  api::Tolerations out = spec.tolerations();
  put_toleration(out, "node.kubernetes.io/not-ready", "NoExecute");
  put_toleration(out, "node.kubernetes.io/unreachable", "NoExecute");
  put_toleration(out, "node.kubernetes.io/disk-pressure", "NoSchedule");
  put_toleration(out, "node.kubernetes.io/memory-pressure", "NoSchedule");
  put_toleration(out, "node.kubernetes.io/pid-pressure", "NoSchedule");
  put_toleration(out, "node.kubernetes.io/unschedulable", "NoSchedule");
  if (spec.host_network()) put_toleration(out, "node.kubernetes.io/network-unavailable", "NoSchedule");
  return out;
}

}  // namespace

Placement::Placement(const DaemonSet& set)
    : node_name_(set.spec().template_().spec().node_name()),
      required_(set.spec().template_().spec()),
      tolerations_(tolerations_of(set.spec().template_().spec())) {}

Fit Placement::on(const NodeView& node) const {
  if (!node_name_.empty() && node_name_ != node.name) return {};
  const api::NodeTraits traits{node.name, [&node](std::string_view key) { return node.label(key); }};
  if (!required_.matches(traits)) return {};
  Fit out{.starts = true, .stays = true};
  for (const Taint& taint : node.taints) {
    const bool evicts = taint.effect() == "NoExecute";
    if ((!evicts && taint.effect() != "NoSchedule") || api::tolerates(tolerations_, taint)) continue;
    if (evicts) return {};
    out.starts = false;
  }
  return out;
}

bool same_place(const NodeView& a, const NodeView& b) {
  const auto same_taint = [](const Taint& x, const Taint& y) {
    return x.key() == y.key() && x.value() == y.value() && x.effect() == y.effect();
  };
  return std::ranges::equal(a.taints, b.taints, same_taint) && a.labels == b.labels;
}

std::optional<std::int64_t> template_generation(const DaemonSet& set) {
  const auto found = set.metadata().annotations().find("deprecated.daemonset.template.generation");
  if (found == set.metadata().annotations().end()) return std::nullopt;
  const std::string& text = found->second;
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

core::v1::Pod pod_of(const DaemonSet& set, const Owner& owner, const std::string& hash) {
  core::v1::Pod pod = pod_from_template(set.spec().template_(), owner);
  auto& labels = *pod.mutable_metadata()->mutable_labels();
  if (const auto generation = template_generation(set)) labels[kTemplateGeneration] = std::to_string(*generation);
  if (!hash.empty()) labels[kPodRevision] = hash;
  *pod.mutable_spec()->mutable_tolerations() = tolerations_of(pod.spec());
  return pod;
}

void bind_by_affinity(core::v1::Pod& pod, const std::string& node) {
  auto& required = *pod.mutable_spec()
                        ->mutable_affinity()
                        ->mutable_node_affinity()
                        ->mutable_required_during_scheduling_ignored_during_execution();
  // What else the template requires, this node has: it was chosen by that.
  required.Clear();
  auto& field = *required.add_node_selector_terms()->add_match_fields();
  field.set_key("metadata.name");
  field.set_operator_("In");
  field.add_values(node);
}

}  // namespace ph::controllers::daemonset
