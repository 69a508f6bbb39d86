#include "apiserver/audit/policy.h"

#include <algorithm>

namespace ph::apiserver::audit {
namespace {

bool has(const std::vector<std::string>& list, std::string_view text) { return std::ranges::find(list, text) != list.end(); }

bool is_of(const Rule& rule, const Identity* user) {
  if (!rule.users.empty() && (user == nullptr || !has(rule.users, user->name))) return false;
  if (rule.user_groups.empty()) return true;
  return user != nullptr && std::ranges::any_of(user->groups, [&](const auto& group) { return has(rule.user_groups, group); });
}

// "pods", "pods/log", "*", "*/scale", "pods/*"
bool names_resource(std::string_view pattern, const RequestInfo& request) {
  if (pattern == "*") return true;
  const std::string& part = request.subresource;
  if (part.empty() && pattern == request.resource) return true;
  if (!part.empty() && pattern == request.resource + "/" + part) return true;
  if (!part.empty() && pattern.starts_with("*/") && pattern.substr(2) == part) return true;
  return pattern.ends_with("/*") && pattern.substr(0, pattern.size() - 2) == request.resource;
}

bool is_among(const GroupResources& some, const RequestInfo& request) {
  if (some.group != request.group) return false;
  if (some.resources.empty()) return true;
  if (!some.resource_names.empty() && !has(some.resource_names, request.name)) return false;
  return std::ranges::any_of(some.resources, [&](const auto& pattern) { return names_resource(pattern, request); });
}

// What is in no namespace is in "".
bool is_about(const Rule& rule, const RequestInfo& request) {
  if (!request.is_resource) return false;
  if (!rule.namespaces.empty() && !has(rule.namespaces, request.namespace_name)) return false;
  return rule.resources.empty() || std::ranges::any_of(rule.resources, [&](const auto& some) { return is_among(some, request); });
}

bool leads_to(std::string_view pattern, std::string_view path) {
  if (pattern == "*" || pattern == path) return true;
  return pattern.ends_with('*') && path.starts_with(pattern.substr(0, pattern.size() - 1));
}

bool matches(const Rule& rule, const Identity* user, const RequestInfo& request) {
  if (!is_of(rule, user)) return false;
  if (!rule.verbs.empty() && !has(rule.verbs, request.verb)) return false;
  if (!rule.namespaces.empty() || !rule.resources.empty()) return is_about(rule, request);
  if (rule.non_resource_urls.empty()) return true;
  return !request.is_resource &&
         std::ranges::any_of(rule.non_resource_urls, [&](const auto& url) { return leads_to(url, request.path); });
}

}  // namespace

std::string_view level_name(Level level) {
  switch (level) {
    case Level::None: return "None";
    case Level::Metadata: return "Metadata";
    case Level::Request: return "Request";
    case Level::RequestResponse: break;
  }
  return "RequestResponse";
}

std::string_view stage_name(Stage stage) {
  switch (stage) {
    case Stage::RequestReceived: return "RequestReceived";
    case Stage::ResponseStarted: return "ResponseStarted";
    case Stage::ResponseComplete: return "ResponseComplete";
    case Stage::Panic: break;
  }
  return "Panic";
}

Judgement judge(const Policy& policy, const Identity* user, const RequestInfo& request) {
  const auto rule = std::ranges::find_if(policy.rules, [&](const Rule& rule) { return matches(rule, user, request); });
  if (rule == policy.rules.end()) return {};
  Judgement out{rule->level, policy.omit_stages, rule->omit_managed_fields.value_or(policy.omit_managed_fields)};
  out.omitted.add(rule->omit_stages);
  return out;
}

}  // namespace ph::apiserver::audit
