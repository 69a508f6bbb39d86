// The rules of webhooks and admission policies: which requests they are about.
#include "api/validation/admission_parts.h"

#include <fmt/format.h>

namespace ph::api {

using namespace admissionregistration::v1;
using Strings = google::protobuf::RepeatedPtrField<std::string>;

namespace {

bool has(const Strings& values, std::string_view value) { return std::ranges::find(values, value) != values.end(); }

void check_operations(const Strings& operations, const Path& path, Errors& errors) {
  if (operations.empty()) errors.required(path);
  check_lone_star(operations, "operations", path, errors);
  for (int i = 0; i < operations.size(); ++i) {
    check_one_of(operations[i], {"*", "CONNECT", "CREATE", "DELETE", "UPDATE"}, path.index(static_cast<std::size_t>(i)), errors);
  }
}

// pods, pods/log, pods/*, */log, */*, *: none may be within another.
void check_resources(const Strings& resources, const Path& path, Errors& errors) {
  if (resources.empty()) errors.required(path);
  std::set<std::string_view> all_parts_of, part_of_all;
  bool has_whole = false;
  for (int i = 0; i < resources.size(); ++i) {
    const std::string_view text = resources[i];
    const Path here = path.index(static_cast<std::size_t>(i));
    if (text.empty()) {
      errors.required(here);
      continue;
    }
    const auto slash = text.find('/');
    if (slash == text.npos) {
      has_whole = has_whole || text != "*";
      continue;
    }
    const std::string_view resource = text.substr(0, slash), part = text.substr(slash + 1);
    if (all_parts_of.contains(resource)) {
      errors.invalid_text(here, text, fmt::format("if '{}/*' is present, must not specify {}", resource, text));
    }
    if (part_of_all.contains(part)) {
      errors.invalid_text(here, text, fmt::format("if '*/{}' is present, must not specify {}", part, text));
    }
    if (part == "*") all_parts_of.insert(resource);
    if (resource == "*") part_of_all.insert(part);
  }
  if (resources.size() > 1 && has(resources, "*/*")) {
    errors.invalid(path, json_of(resources), "if '*/*' is present, must not specify other resources");
  }
  if (has(resources, "*") && has_whole) {
    errors.invalid(path, json_of(resources), "if '*' is present, must not specify other resources without subresources");
  }
}

void check_named_rule(const NamedRuleWithOperations& rule, const Path& path, Errors& errors) {
  std::set<std::string_view> names;
  for (int i = 0; i < rule.resource_names_size(); ++i) {
    const Path here = path.member("resourceNames").index(static_cast<std::size_t>(i));
    errors.invalid_each(here, rule.resource_names(i), check_path_segment(rule.resource_names(i)));
    if (!names.insert(rule.resource_names(i)).second) errors.duplicate(here, rule.resource_names(i));
  }
  check_admission_rule(rule.rule_with_operations(), path, errors);
}

}  // namespace

void check_failure_policy(std::string_view policy, const Path& path, Errors& errors) {
  check_one_of(policy, {"Fail", "Ignore"}, path, errors);
}

void check_match_policy(std::string_view policy, const Path& path, Errors& errors) {
  check_one_of(policy, {"Equivalent", "Exact"}, path, errors);
}

void check_reinvocation_policy(std::string_view policy, const Path& path, Errors& errors) {
  check_one_of(policy, {"IfNeeded", "Never"}, path, errors);
}

void check_admission_rule(const RuleWithOperations& rule, const Path& path, Errors& errors) {
  check_operations(rule.operations(), path.member("operations"), errors);
  const Rule& what = rule.rule();
  if (what.api_groups().empty()) errors.required(path.member("apiGroups"));
  check_lone_star(what.api_groups(), "API groups", path.member("apiGroups"), errors);
  const Path versions = path.member("apiVersions");
  if (what.api_versions().empty()) errors.required(versions);
  check_lone_star(what.api_versions(), "API versions", versions, errors);
  for (int i = 0; i < what.api_versions_size(); ++i) {
    if (what.api_versions(i).empty()) errors.required(versions.index(static_cast<std::size_t>(i)));
  }
  check_resources(what.resources(), path.member("resources"), errors);
  if (what.has_scope()) check_one_of(what.scope(), {"*", "Cluster", "Namespaced"}, path.member("scope"), errors);
}

void check_match_resources(const MatchResources& match, const Path& path, Errors& errors) {
  check_match_policy(match.match_policy(), path.member("matchPolicy"), errors);
  check_label_selector(match.namespace_selector(), path.member("namespaceSelector"), errors);
  check_label_selector(match.object_selector(), path.member("objectSelector"), errors);
  for (int i = 0; i < match.resource_rules_size(); ++i) {
    check_named_rule(match.resource_rules(i), path.member("resourceRules").index(static_cast<std::size_t>(i)), errors);
  }
  for (int i = 0; i < match.exclude_resource_rules_size(); ++i) {
    check_named_rule(match.exclude_resource_rules(i), path.member("excludeResourceRules").index(static_cast<std::size_t>(i)),
                     errors);
  }
}

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\n\v\f\r") == text.npos; }

void check_match_conditions(const google::protobuf::RepeatedPtrField<MatchCondition>& conditions, const Path& path,
                            Errors& errors) {
  std::set<std::string_view> names;
  check_items(conditions, kMatchConditionsMax, path, errors, [&](const MatchCondition& condition, const Path& here) {
    if (is_blank(condition.expression())) errors.required(here.member("expression"));
    const Path name = here.member("name");
    if (condition.name().empty()) return errors.required(name);
    check_qualified(condition.name(), name, errors);
    if (!names.insert(condition.name()).second) errors.duplicate(name, condition.name());
  });
}

}  // namespace ph::api
