// v1 ResourceQuota.
#include "api/internal_form.h"
#include "api/validation/validation.h"

namespace ph::api {

using namespace core::v1;

namespace {

constexpr std::initializer_list<std::string_view> kScopes = {
    "Terminating",          "NotTerminating", "BestEffort", "NotBestEffort", "PriorityClass", "CrossNamespacePodAffinity",
    "VolumeAttributesClass"};

bool is_scope(std::string_view scope) { return std::ranges::find(kScopes, scope) != kScopes.end(); }

bool is_any(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

// Names without a prefix that quotas know.
bool is_quota_resource(std::string_view name) {
  return is_any(name, {"cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory", "requests.storage",
                       "requests.ephemeral-storage", "limits.cpu", "limits.memory", "limits.ephemeral-storage", "pods",
                       "resourcequotas", "services", "replicationcontrollers", "secrets", "persistentvolumeclaims", "configmaps",
                       "services.nodeports", "services.loadbalancers"}) ||
         is_hugepages(name) || name.starts_with("requests.hugepages-");
}

void check_quota_resource(std::string_view name, const Path& path, Errors& errors) {
  check_resource_name(name, path, errors);
  if (name.find('/') == name.npos && !is_quota_resource(name))
    errors.invalid_text(path, name, "must be a standard resource for quota");
}

// Whether what is counted of a resource can be of that scope.
bool can_scope(std::string_view scope, std::string_view resource) {
  const bool counts_pods = resource == "pods";
  if (scope == "BestEffort") return counts_pods;
  if (scope == "VolumeAttributesClass") return is_any(resource, {"persistentvolumeclaims", "requests.storage"});
  if (!is_scope(scope)) return true;
  return counts_pods || is_any(resource, {"cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"});
}

// One complaint a resource that cannot be of the scope. `value_json`: what is shown.
void check_scope_resources(const ResourceQuotaSpec& spec, std::string_view scope, const std::string& value_json, const Path& path,
                           Errors& errors) {
  for (const auto* entry : sorted(spec.hard())) {
    if (is_quota_resource(entry->first) && !can_scope(scope, entry->first))
      errors.invalid(path, value_json, "unsupported scope applied to resource");
  }
}

void check_hard(const ResourceMap& amounts, const Path& path, Errors& errors) {
  for (const auto* entry : sorted(amounts)) {
    check_quota_resource(entry->first, path.key(entry->first), errors);
    check_resource_value(entry->first, entry->second, path.key(entry->first), errors);
  }
}

void check_conflicts(const std::set<std::string_view>& scopes, const std::string& shown, const Path& path, Errors& errors) {
  const auto both = [&](const char* a, const char* b) {
    if (scopes.contains(a) && scopes.contains(b)) errors.invalid(path, shown, "conflicting scopes");
  };
  both("BestEffort", "NotBestEffort");
  both("Terminating", "NotTerminating");
}

std::string shown_scopes(const ResourceQuotaSpec& spec) { return spec.scopes().empty() ? "null" : json_of(spec.scopes()); }

void check_scopes(const ResourceQuotaSpec& spec, const Path& path, Errors& errors) {
  const std::string shown = shown_scopes(spec);
  std::set<std::string_view> scopes;
  for (const std::string& scope : spec.scopes()) {
    if (!is_scope(scope)) errors.invalid(path, shown, "unsupported scope");
    check_scope_resources(spec, scope, shown, path, errors);
    scopes.insert(scope);
  }
  check_conflicts(scopes, shown, path, errors);
}

void check_scope_operator(const ScopedResourceSelectorRequirement& one, const Path& path, Errors& errors) {
  const bool only_exists =
      is_any(one.scope_name(), {"Terminating", "NotTerminating", "BestEffort", "NotBestEffort", "CrossNamespacePodAffinity"});
  if (only_exists && one.operator_() != "Exists") {
    errors.invalid_text(
        path.member("operator"), one.operator_(),
        "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
        "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity");
  }
  const Path values = path.member("values");
  if (one.operator_() == "In" || one.operator_() == "NotIn") {
    if (one.values().empty())
      errors.required(values, "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector");
  } else if (one.operator_() == "Exists" || one.operator_() == "DoesNotExist") {
    if (!one.values().empty()) {
      errors.invalid(values, json_of(one.values()),
                     "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector");
    }
  } else {
    errors.invalid_text(path.member("operator"), one.operator_(), "not a valid selector operator");
  }
}

void check_scope_selector(const ResourceQuotaSpec& spec, const Path& path, Errors& errors) {
  std::set<std::string_view> scopes;
  for (const auto& one : spec.scope_selector().match_expressions()) {
    if (!is_scope(one.scope_name())) errors.invalid_text(path.member("scopeName"), one.scope_name(), "unsupported scope");
    check_scope_resources(spec, one.scope_name(), internal_json(spec.scope_selector()), path, errors);
    check_scope_operator(one, path, errors);
    scopes.insert(one.scope_name());
  }
  check_conflicts(scopes, shown_scopes(spec), path, errors);
}

}  // namespace

void validate(const ResourceQuota& quota, Errors& errors) {
  const Path path("spec");
  check_hard(quota.spec().hard(), path.member("hard"), errors);
  check_scopes(quota.spec(), path.member("scopes"), errors);
  if (quota.spec().has_scope_selector()) {
    check_scope_selector(quota.spec(), path.member("scopeSelector").member("matchExpressions"), errors);
  }
}

void validate_update(const ResourceQuota& now, const ResourceQuota& old, Errors& errors) {
  validate(now, errors);
  const auto sorted_scopes = [](const ResourceQuota& quota) {
    return std::multiset<std::string>(quota.spec().scopes().begin(), quota.spec().scopes().end());
  };
  if (sorted_scopes(now) != sorted_scopes(old))
    errors.invalid(Path("spec").member("scopes"), shown_scopes(now.spec()), kImmutable);
}

void validate_status(const ResourceQuota& now, const ResourceQuota&, Errors& errors) {
  check_hard(now.status().hard(), Path("status").member("hard"), errors);
  check_hard(now.status().used(), Path("status").member("used"), errors);
}

}  // namespace ph::api
