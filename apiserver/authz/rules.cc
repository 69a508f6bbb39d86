#include "apiserver/authz/rules.h"

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

// Only a final * is a wildcard.
bool path_matches(const Texts& list, std::string_view path) {
  return std::ranges::any_of(list, [&](std::string_view pattern) {
    if (pattern == "*" || pattern == path) return true;
    return pattern.ends_with('*') && path.starts_with(pattern.substr(0, pattern.size() - 1));
  });
}

std::pair<std::string_view, std::string_view> split_resource(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return {text, {}};
  return {text.substr(0, slash), text.substr(slash + 1)};
}

// A rule of many verbs, groups, resources and names as rules of one each.
std::vector<PolicyRule> split(const PolicyRule& rule) {
  std::vector<PolicyRule> out;
  for (const auto& verb : rule.verbs()) {
    for (const auto& group : rule.api_groups()) {
      for (const auto& resource : rule.resources()) {
        PolicyRule one;
        one.add_verbs(verb);
        one.add_api_groups(group);
        one.add_resources(resource);
        if (rule.resource_names().empty()) out.push_back(one);
        for (const auto& name : rule.resource_names()) {
          out.push_back(one);
          out.back().add_resource_names(name);
        }
      }
    }
    for (const auto& path : rule.non_resource_urls()) {
      PolicyRule& one = out.emplace_back();
      one.add_verbs(verb);
      one.add_non_resource_urls(path);
    }
  }
  return out;
}

}  // namespace

bool rule_allows(const PolicyRule& rule, const RequestInfo& request) {
  if (!has_or_all(rule.verbs(), request.verb)) return false;
  if (!request.is_resource) return path_matches(rule.non_resource_urls(), request.path);
  return has_or_all(rule.api_groups(), request.group) &&
         resource_matches(rule.resources(), request.resource, request.subresource) &&
         (rule.resource_names().empty() || has(rule.resource_names(), request.name));
}

bool rule_covers(const PolicyRule& held, const PolicyRule& wanted) {
  if (!has_or_all(held.verbs(), wanted.verbs(0))) return false;
  if (!wanted.non_resource_urls().empty()) return path_matches(held.non_resource_urls(), wanted.non_resource_urls(0));
  const auto [resource, subresource] = split_resource(wanted.resources(0));
  if (!has_or_all(held.api_groups(), wanted.api_groups(0))) return false;
  if (!resource_matches(held.resources(), resource, subresource)) return false;
  if (held.resource_names().empty()) return true;
  return !wanted.resource_names().empty() && has(held.resource_names(), wanted.resource_names(0));
}

bool rules_cover(std::span<const PolicyRule> held, std::span<const PolicyRule> wanted, std::vector<PolicyRule>* missing) {
  bool all = true;
  for (const PolicyRule& rule : wanted) {
    for (PolicyRule& one : split(rule)) {
      if (std::ranges::any_of(held, [&](const PolicyRule& h) { return rule_covers(h, one); })) continue;
      all = false;
      if (missing) missing->push_back(std::move(one));
    }
  }
  return all;
}

}  // namespace ph::apiserver
