// v1 ResourceQuota.
#include <fmt/format.h>

#include "api/validation/validation.h"

namespace ph::api {

using namespace core::v1;

namespace {

constexpr std::initializer_list<std::string_view> kScopes = {
    "Terminating",          "NotTerminating", "BestEffort", "NotBestEffort", "PriorityClass", "CrossNamespacePodAffinity",
    "VolumeAttributesClass"};

bool is_scope(std::string_view scope) { return std::ranges::find(kScopes, scope) != kScopes.end(); }

void check_quota_resource(std::string_view name, const Path& path, Errors& errors) {
  check_qualified(name, path, errors);
  if (name.find('/') != name.npos || name.starts_with("count/")) return;
  constexpr std::string_view kNames[] = {"cpu",
                                         "memory",
                                         "ephemeral-storage",
                                         "requests.cpu",
                                         "requests.memory",
                                         "requests.storage",
                                         "requests.ephemeral-storage",
                                         "limits.cpu",
                                         "limits.memory",
                                         "limits.ephemeral-storage",
                                         "pods",
                                         "services",
                                         "replicationcontrollers",
                                         "resourcequotas",
                                         "secrets",
                                         "persistentvolumeclaims",
                                         "configmaps",
                                         "services.nodeports",
                                         "services.loadbalancers"};
  const bool known = std::ranges::find(kNames, name) != std::end(kNames) || name.starts_with("hugepages-") ||
                     name.starts_with("requests.hugepages-");
  if (!known) errors.invalid_text(path, name, "must be a standard resource type or fully qualified");
}

void check_hard(const ResourceMap& amounts, const Path& path, Errors& errors) {
  for (const auto* entry : sorted(amounts)) {
    check_quota_resource(entry->first, path.key(entry->first), errors);
    check_resource_value(entry->first, entry->second, path.key(entry->first), errors);
  }
}

void check_scopes(const ResourceQuotaSpec& spec, const Path& path, Errors& errors) {
  std::set<std::string_view> scopes;
  for (const std::string& scope : spec.scopes()) {
    if (!is_scope(scope)) errors.invalid_text(path, scope, "unsupported scope");
    scopes.insert(scope);
  }
  const auto both = [&](const char* a, const char* b) { return scopes.contains(a) && scopes.contains(b); };
  if (both("BestEffort", "NotBestEffort") || both("Terminating", "NotTerminating")) {
    errors.invalid(path, json_of(spec.scopes()), "conflicting scopes");
  }
}

void check_scope_selector(const ScopeSelector& selector, const Path& path, Errors& errors) {
  for (const auto& one : selector.match_expressions()) {
    if (!is_scope(one.scope_name())) errors.invalid_text(path.member("scopeName"), one.scope_name(), "unsupported scope");
    const bool only_exists = one.scope_name() != "PriorityClass" && one.scope_name() != "VolumeAttributesClass";
    if (only_exists && one.operator_() != "Exists") {
      errors.invalid_text(
          path.member("operator"), one.operator_(),
          "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
          "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity");
    }
    if (one.operator_() == "In" || one.operator_() == "NotIn") {
      if (one.values().empty()) {
        errors.required(path.member("values"),
                        "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector");
      }
    } else if (one.operator_() == "Exists" || one.operator_() == "DoesNotExist") {
      if (!one.values().empty()) {
        errors.invalid(path.member("values"), json_of(one.values()),
                       "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector");
      }
    } else {
      errors.invalid_text(path.member("operator"), one.operator_(), "not a valid selector operator");
    }
  }
}

}  // namespace

void validate(const ResourceQuota& quota, Errors& errors) {
  const Path path("spec");
  check_hard(quota.spec().hard(), path.member("hard"), errors);
  check_scopes(quota.spec(), path.member("scopes"), errors);
  if (quota.spec().has_scope_selector()) {
    check_scope_selector(quota.spec().scope_selector(), path.member("scopeSelector").member("matchExpressions"), errors);
  }
}

void validate_update(const ResourceQuota& now, const ResourceQuota& old, Errors& errors) {
  validate(now, errors);
  const auto sorted_scopes = [](const ResourceQuota& quota) {
    return std::multiset<std::string>(quota.spec().scopes().begin(), quota.spec().scopes().end());
  };
  if (sorted_scopes(now) != sorted_scopes(old))
    errors.invalid(Path("spec").member("scopes"), json_of(now.spec().scopes()), kImmutable);
}

void validate_status(const ResourceQuota& now, const ResourceQuota&, Errors& errors) {
  check_hard(now.status().hard(), Path("status").member("hard"), errors);
  check_hard(now.status().used(), Path("status").member("used"), errors);
}

}  // namespace ph::api
