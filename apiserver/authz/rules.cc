#include "apiserver/authz/rules.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ph::apiserver {

using rbac::v1::PolicyRule;

namespace {

using Texts = google::protobuf::RepeatedPtrField<std::string>;

bool has(const Texts& list, std::string_view wanted) {
  return std::ranges::any_of(list, [&](const std::string& text) { return text == wanted; });
}

bool has_or_all(const Texts& list, std::string_view wanted) { return has(list, "*") || has(list, wanted); }

// "pods/log" is named whole, or as "*/log", or as "*".
bool resource_matches(const Texts& list, std::string_view resource, std::string_view subresource) {
  if (has(list, "*")) return true;
  if (subresource.empty()) return has(list, resource);
  const std::string whole = std::string(resource) + "/" + std::string(subresource);
  return has(list, whole) || has(list, "*/" + std::string(subresource));
}

// Only stars at the end are wildcards.
bool path_matches(const Texts& list, std::string_view path) {
  return std::ranges::any_of(list, [&](std::string_view pattern) {
    return pattern == path || (pattern.ends_with('*') && path.starts_with(pattern.substr(0, pattern.find_last_not_of('*') + 1)));
  });
}

}  // namespace

bool rule_allows(const PolicyRule& rule, const RequestInfo& request) {
  if (!has_or_all(rule.verbs(), request.verb)) return false;
  if (!request.is_resource) return path_matches(rule.non_resource_urls(), request.path);
  return has_or_all(rule.api_groups(), request.group) &&
         resource_matches(rule.resources(), request.resource, request.subresource) &&
         (rule.resource_names().empty() || has(rule.resource_names(), request.name));
}

std::string join_errors(const std::vector<std::string>& errors) {
  if (errors.size() == 1) return errors.front();
  return errors.empty() ? std::string() : fmt::format("[{}]", fmt::join(errors, ", "));
}

}  // namespace ph::apiserver
