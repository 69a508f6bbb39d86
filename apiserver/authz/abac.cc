#include "apiserver/authz/abac.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apiserver/authz/rules.h"

namespace ph::apiserver {

using nlohmann::json;

namespace {

constexpr std::string_view kGroup = "abac.authorization.kubernetes.io/";
constexpr std::string_view kAuthenticated = "system:authenticated";

// What is wrong with a line.
class BadLine : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

std::string text_of(const json& object, const char* member) {
  const auto found = object.find(member);
  if (found == object.end() || found->is_null()) return {};
  if (!found->is_string()) throw BadLine(fmt::format("{} is not a text", member));
  return found->get<std::string>();
}

bool flag_of(const json& object, const char* member) {
  const auto found = object.find(member);
  if (found == object.end() || found->is_null()) return false;
  if (!found->is_boolean()) throw BadLine(fmt::format("{} is neither true nor false", member));
  return found->get<bool>();
}

AbacPolicy read_spec(const json& spec) {
  return {.user = text_of(spec, "user"),
          .group = text_of(spec, "group"),
          .readonly = flag_of(spec, "readonly"),
          .api_group = text_of(spec, "apiGroup"),
          .resource = text_of(spec, "resource"),
          .namespace_name = text_of(spec, "namespace"),
          .non_resource_path = text_of(spec, "nonResourcePath")};
}

// All who are somebody.
void star_is_authenticated(AbacPolicy& policy) {
  if (policy.user != "*" && policy.group != "*") return;
  policy.user.clear();
  policy.group = kAuthenticated;
}

// Before there were versions, what was left out stood for all there is, and groups of the API were not told apart.
AbacPolicy read_unversioned(const json& line) {
  AbacPolicy policy = read_spec(line);
  if (policy.user.empty() && policy.group.empty()) policy.group = kAuthenticated;
  star_is_authenticated(policy);
  policy.non_resource_path = policy.namespace_name.empty() && policy.resource.empty() ? "*" : "";
  if (policy.namespace_name.empty()) policy.namespace_name = "*";
  if (policy.resource.empty()) policy.resource = "*";
  policy.api_group = "*";
  return policy;
}

AbacPolicy read_line(std::string_view text, bool& unversioned) {
  const json line = json::parse(text);
  if (!line.is_object()) throw BadLine("it is no object");
  const std::string version = text_of(line, "apiVersion"), kind = text_of(line, "kind");
  unversioned = version.empty() || kind.empty();
  if (unversioned) return read_unversioned(line);
  if (version != std::string(kGroup) + "v1beta1" || kind != "Policy") {
    throw BadLine(fmt::format("no kind \"{}\" is registered for version \"{}\"", kind, version));
  }
  const auto spec = line.find("spec");
  if (spec == line.end() || spec->is_null()) return {};
  if (!spec->is_object()) throw BadLine("spec is no object");
  AbacPolicy policy = read_spec(*spec);
  star_is_authenticated(policy);
  return policy;
}

bool is_any_or(std::string_view pattern, std::string_view value) { return pattern == "*" || pattern == value; }

bool in_groups(const Identity& user, std::string_view group) {
  return group == "*" || std::ranges::find(user.groups, group) != user.groups.end();
}

bool is_of(const AbacPolicy& policy, const Identity& user) {
  if (policy.user.empty() && policy.group.empty()) return false;
  return (policy.user.empty() || is_any_or(policy.user, user.name)) && (policy.group.empty() || in_groups(user, policy.group));
}

bool path_matches(std::string_view pattern, std::string_view path) {
  if (is_any_or(pattern, path)) return true;
  return pattern.ends_with('*') && path.starts_with(pattern.substr(0, pattern.find_last_not_of('*') + 1));
}

bool allows(const AbacPolicy& policy, const Attributes& attributes) {
  const RequestInfo& r = attributes.request;
  if (!is_of(policy, attributes.user)) return false;
  if (policy.readonly && r.verb != "get" && r.verb != "list" && r.verb != "watch") return false;
  if (!r.is_resource) return path_matches(policy.non_resource_path, r.path);
  return is_any_or(policy.namespace_name, r.namespace_name) && is_any_or(policy.resource, r.resource) &&
         is_any_or(policy.api_group, r.group);
}

rbac::v1::PolicyRule rule_for_verbs(const AbacPolicy& policy) {
  rbac::v1::PolicyRule rule;
  if (policy.readonly) {
    for (const char* verb : {"get", "list", "watch"}) rule.add_verbs(verb);
  } else {
    rule.add_verbs("*");
  }
  return rule;
}

}  // namespace

std::expected<AbacPolicies, std::string> AbacPolicies::parse(std::string_view text, std::string_view file) {
  AbacPolicies out;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    const auto first = line.find_first_not_of(" \t");
    if (first == line.npos || line[first] == '#') continue;
    bool unversioned = false;
    try {
      out.policies.push_back(read_line(line, unversioned));
    } catch (const std::exception& error) {
      return std::unexpected(fmt::format("error reading policy file {}, line {}: {}: {}", file, number, line, error.what()));
    }
    if (unversioned) ++out.unversioned_lines;
  }
  return out;
}

std::optional<Decision> AbacAuthorizer::authorize_here(const Attributes& attributes) const {
  const bool allowed = std::ranges::any_of(policies_, [&](const AbacPolicy& policy) { return allows(policy, attributes); });
  if (allowed) return Decision{Decision::Kind::Allow, {}};
  return Decision{Decision::Kind::NoOpinion, "No policy matched."};
}

void AbacAuthorizer::add_rules(const Identity& user, std::string_view namespace_name, RulesOfUser& out) {
  for (const AbacPolicy& policy : policies_) {
    if (!is_of(policy, user) || !is_any_or(policy.namespace_name, namespace_name)) continue;
    if (!policy.resource.empty()) {
      rbac::v1::PolicyRule rule = rule_for_verbs(policy);
      rule.add_api_groups(policy.api_group);
      rule.add_resources(policy.resource);
      out.rules.push_back(std::move(rule));
    }
    if (!policy.non_resource_path.empty()) {
      rbac::v1::PolicyRule rule = rule_for_verbs(policy);
      rule.add_non_resource_urls(policy.non_resource_path);
      out.rules.push_back(std::move(rule));
    }
  }
}

}  // namespace ph::apiserver
