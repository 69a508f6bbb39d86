// rbac.authorization.k8s.io/v1: roles and their bindings.
#include "api/validation/validation.h"

namespace ph::api {

using namespace rbac::v1;

namespace {

constexpr std::string_view kGroup = "rbac.authorization.k8s.io";

void check_rule(const PolicyRule& rule, bool namespaced, const Path& path, Errors& errors) {
  if (rule.verbs().empty()) errors.required(path.member("verbs"), "verbs must contain at least one value");
  if (!rule.non_resource_urls().empty()) {
    if (namespaced) {
      errors.invalid(path.member("nonResourceURLs"), json_of(rule.non_resource_urls()),
                     "namespaced rules cannot apply to non-resource URLs");
    }
    if (!rule.api_groups().empty() || !rule.resources().empty() || !rule.resource_names().empty()) {
      errors.invalid(path.member("nonResourceURLs"), json_of(rule.non_resource_urls()),
                     "rules cannot apply to both regular resources and non-resource URLs");
    }
    return;
  }
  if (rule.api_groups().empty()) errors.required(path.member("apiGroups"), "resource rules must supply at least one api group");
  if (rule.resources().empty()) errors.required(path.member("resources"), "resource rules must supply at least one resource");
}

template <class R>
void check_rules(const R& role, bool namespaced, Errors& errors) {
  for (int i = 0; i < role.rules_size(); ++i) check_rule(role.rules(i), namespaced, Path("rules").index(i), errors);
}

void check_subject(const Subject& subject, bool namespaced, const Path& path, Errors& errors) {
  if (subject.name().empty()) errors.required(path.member("name"));
  if (subject.kind() == "ServiceAccount") {
    if (!subject.name().empty()) check_subdomain(subject.name(), path.member("name"), errors);
    if (!subject.api_group().empty()) errors.not_supported(path.member("apiGroup"), subject.api_group(), {""});
    if (!namespaced && subject.namespace_().empty()) errors.required(path.member("namespace"));
  } else if (subject.kind() == "User" || subject.kind() == "Group") {
    if (subject.api_group() != kGroup) errors.not_supported(path.member("apiGroup"), subject.api_group(), {kGroup});
  } else {
    errors.not_supported(path.member("kind"), subject.kind(), {"ServiceAccount", "User", "Group"});
  }
}

template <class B>
void check_binding(const B& binding, bool namespaced, Errors& errors) {
  const RoleRef& role = binding.role_ref();
  const Path path("roleRef");
  if (role.api_group() != kGroup) errors.not_supported(path.member("apiGroup"), role.api_group(), {kGroup});
  if (namespaced) {
    check_one_of(role.kind(), {"Role", "ClusterRole"}, path.member("kind"), errors);
  } else {
    check_one_of(role.kind(), {"ClusterRole"}, path.member("kind"), errors);
  }
  if (role.name().empty()) {
    errors.required(path.member("name"));
  } else {
    errors.invalid_each(path.member("name"), role.name(), path_segment_name(role.name(), false));
  }
  for (int i = 0; i < binding.subjects_size(); ++i)
    check_subject(binding.subjects(i), namespaced, Path("subjects").index(i), errors);
}

template <class B>
void check_role_kept(const B& now, const B& old, Errors& errors) {
  if (!same(now.role_ref(), old.role_ref())) errors.invalid_message(Path("roleRef"), now.role_ref(), "cannot change roleRef");
}

}  // namespace

void validate(const Role& role, Errors& errors) { check_rules(role, true, errors); }
void validate_update(const Role& now, const Role&, Errors& errors) { check_rules(now, true, errors); }

void validate(const ClusterRole& role, Errors& errors) {
  check_rules(role, false, errors);
  if (!role.has_aggregation_rule()) return;
  const auto& selectors = role.aggregation_rule().cluster_role_selectors();
  const Path path = Path("aggregationRule").member("clusterRoleSelectors");
  if (selectors.empty()) errors.required(path, "at least one clusterRoleSelector required if aggregationRule is non-nil");
  for (int i = 0; i < selectors.size(); ++i) {
    const std::size_t before = errors.size();
    check_label_selector(selectors[i], path.index(i), errors);
    if (errors.size() > before) errors.invalid(path.index(i), "null", "invalid label selector.");
  }
}
void validate_update(const ClusterRole& now, const ClusterRole&, Errors& errors) { validate(now, errors); }

void validate(const RoleBinding& binding, Errors& errors) { check_binding(binding, true, errors); }
void validate_update(const RoleBinding& now, const RoleBinding& old, Errors& errors) {
  validate(now, errors);
  check_role_kept(now, old, errors);
}

void validate(const ClusterRoleBinding& binding, Errors& errors) { check_binding(binding, false, errors); }
void validate_update(const ClusterRoleBinding& now, const ClusterRoleBinding& old, Errors& errors) {
  validate(now, errors);
  check_role_kept(now, old, errors);
}

}  // namespace ph::api
