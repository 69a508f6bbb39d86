#include "apiserver/admission/webhook/match.h"

#include <algorithm>
#include <iterator>

namespace ph::apiserver::webhook {
namespace {

using admissionregistration::v1::Rule;
using admissionregistration::v1::RuleWithOperations;
using Names = google::protobuf::RepeatedPtrField<std::string>;

constexpr std::string_view kAll = "*";

bool is_or_all(std::string_view wanted, std::string_view value) { return wanted == kAll || wanted == value; }

bool has(const Names& names, std::string_view value) {
  return std::ranges::any_of(names, [&](const std::string& name) { return is_or_all(name, value); });
}

bool in_scope(const Rule& rule, const Target& target) {
  if (!rule.has_scope() || rule.scope() == kAll) return true;
  const bool is_namespace = target.group.empty() && target.resource == "namespaces";
  const bool in_namespace = !target.namespace_name.empty() && !is_namespace;
  return (rule.scope() == "Namespaced") == in_namespace;
}

// "pods" is no part of it, "pods/log" one, "pods/*" the pod and all its parts.
bool names(std::string_view text, const Target& target) {
  const auto slash = std::min(text.find('/'), text.size());
  const std::string_view part = slash < text.size() ? text.substr(slash + 1) : std::string_view();
  return is_or_all(text.substr(0, slash), target.resource) && is_or_all(part, target.subresource);
}

}  // namespace

bool matches(const RuleWithOperations& rule, const Target& target) {
  const Rule& what = rule.rule();
  return in_scope(what, target) && has(rule.operations(), target.operation) && has(what.api_groups(), target.group) &&
         has(what.api_versions(), target.version) &&
         std::ranges::any_of(what.resources(), [&](const std::string& text) { return names(text, target); });
}

bool any_matches(const Rules& rules, const Target& target) {
  return std::ranges::any_of(rules, [&](const RuleWithOperations& rule) { return matches(rule, target); });
}

bool is_exempt(const api::GroupVersionKind& kind) {
  static constexpr std::string_view kKinds[] = {"ValidatingWebhookConfiguration", "MutatingWebhookConfiguration",
                                                "ValidatingAdmissionPolicy",      "ValidatingAdmissionPolicyBinding",
                                                "MutatingAdmissionPolicy",        "MutatingAdmissionPolicyBinding"};
  return kind.group == "admissionregistration.k8s.io" && std::ranges::find(kKinds, kind.kind) != std::end(kKinds);
}

}  // namespace ph::apiserver::webhook
