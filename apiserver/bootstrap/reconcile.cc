#include "apiserver/bootstrap/reconcile.h"

#include "api/flows.h"
#include "api/sorted.h"
#include "api/value.h"
#include "apiserver/authz/cover.h"

namespace ph::apiserver {

using rbac::v1::PolicyRule;
using rbac::v1::Subject;

namespace {

bool is_protected(const meta::v1::ObjectMeta& metadata) {
  const auto found = metadata.annotations().find("rbac.authorization.kubernetes.io/autoupdate");
  return found != metadata.annotations().end() && found->second == "false";
}

bool add_missing(google::protobuf::Map<std::string, std::string>* to,
                 const google::protobuf::Map<std::string, std::string>& from) {
  bool changed = false;
  for (const auto* entry : sorted(from)) {
    auto& value = (*to)[entry->first];
    changed |= value != entry->second;
    value = entry->second;
  }
  return changed;
}

bool reconcile_metadata(meta::v1::ObjectMeta* existing, const meta::v1::ObjectMeta& expected) {
  const bool labels = add_missing(existing->mutable_labels(), expected.labels());
  const bool annotations = add_missing(existing->mutable_annotations(), expected.annotations());
  return labels || annotations;
}

// Mostly nothing has changed since the last start; then no rule need be taken apart.
template <class Rules>
bool equal(const Rules& a, const Rules& b) {
  return std::ranges::equal(
      a, b, [](const PolicyRule& x, const PolicyRule& y) { return x.SerializeAsString() == y.SerializeAsString(); });
}

template <class Rules>
bool reconcile_rules(Rules* existing, const Rules& expected) {
  if (equal(*existing, expected)) return false;
  const std::vector<PolicyRule> held(existing->begin(), existing->end());
  const std::vector<PolicyRule> wanted(expected.begin(), expected.end());
  std::vector<PolicyRule> missing = rules_cover(held, wanted).missing;
  for (PolicyRule& rule : missing) *existing->Add() = std::move(rule);
  return !missing.empty();
}

bool same(const Subject& a, const Subject& b) {
  return a.kind() == b.kind() && a.name() == b.name() && a.namespace_() == b.namespace_();
}

template <class Binding>
bool reconcile_binding(Binding& existing, const Binding& expected) {
  if (is_protected(existing.metadata())) return false;
  bool changed = reconcile_metadata(existing.mutable_metadata(), expected.metadata());
  for (const Subject& subject : expected.subjects()) {
    if (std::ranges::any_of(existing.subjects(), [&](const Subject& s) { return same(s, subject); })) continue;
    *existing.add_subjects() = subject;
    changed = true;
  }
  return changed;
}

bool reconcile_selectors(rbac::v1::ClusterRole& existing, const rbac::v1::ClusterRole& expected) {
  bool changed = false;
  for (const auto& selector : expected.aggregation_rule().cluster_role_selectors()) {
    const auto& known = existing.aggregation_rule().cluster_role_selectors();
    const auto equal = [&](const auto& s) {
      return s.match_expressions().empty() && s.match_labels().size() == selector.match_labels().size() &&
             std::ranges::equal(sorted(s.match_labels()), sorted(selector.match_labels()),
                                [](const auto* a, const auto* b) { return a->first == b->first && a->second == b->second; });
    };
    if (std::ranges::any_of(known, equal)) continue;
    *existing.mutable_aggregation_rule()->add_cluster_role_selectors() = selector;
    changed = true;
  }
  return changed;
}

}  // namespace

bool reconcile(rbac::v1::ClusterRole& existing, const rbac::v1::ClusterRole& expected) {
  if (is_protected(existing.metadata())) return false;
  const bool metadata = reconcile_metadata(existing.mutable_metadata(), expected.metadata());
  const bool selectors = reconcile_selectors(existing, expected);
  const bool rules = reconcile_rules(existing.mutable_rules(), expected.rules());
  return metadata || selectors || rules;
}

bool reconcile(rbac::v1::Role& existing, const rbac::v1::Role& expected) {
  if (is_protected(existing.metadata())) return false;
  const bool metadata = reconcile_metadata(existing.mutable_metadata(), expected.metadata());
  const bool rules = reconcile_rules(existing.mutable_rules(), expected.rules());
  return metadata || rules;
}

bool reconcile(rbac::v1::ClusterRoleBinding& existing, const rbac::v1::ClusterRoleBinding& expected) {
  return reconcile_binding(existing, expected);
}

bool reconcile(rbac::v1::RoleBinding& existing, const rbac::v1::RoleBinding& expected) {
  return reconcile_binding(existing, expected);
}

namespace {

using flowcontrol::v1::FlowSchema, flowcontrol::v1::PriorityLevelConfiguration;

template <class T>
bool reconcile_spec(T& existing, const T& expected, bool mandatory) {
  auto& annotations = *existing.mutable_metadata()->mutable_annotations();
  const auto found = annotations.find(api::kAutoUpdateSpec);
  const bool untouched = found == annotations.end() && existing.metadata().generation() == 1;
  const bool follows = mandatory || untouched || (found != annotations.end() && found->second == "true");
  const bool has_spec = api::Value::equal(api::Value::of(existing.spec()), api::Value::of(expected.spec()));
  const std::string wanted = follows ? "true" : "false";
  const bool changes = (follows && !has_spec) || found == annotations.end() || found->second != wanted;
  if (follows) *existing.mutable_spec() = expected.spec();
  annotations[api::kAutoUpdateSpec] = wanted;
  return changes;
}

}  // namespace

bool reconcile(FlowSchema& existing, const FlowSchema& expected) {
  return reconcile_spec(existing, expected, api::mandatory_flow_schema(expected.metadata().name()) != nullptr);
}

bool reconcile(PriorityLevelConfiguration& existing, const PriorityLevelConfiguration& expected) {
  PriorityLevelConfiguration wanted = expected;
  // The shares of the exempt level are the cluster's.
  if (wanted.spec().has_exempt() && existing.spec().has_exempt())
    *wanted.mutable_spec()->mutable_exempt() = existing.spec().exempt();
  return reconcile_spec(existing, wanted, api::mandatory_priority_level(expected.metadata().name()) != nullptr);
}

}  // namespace ph::apiserver
