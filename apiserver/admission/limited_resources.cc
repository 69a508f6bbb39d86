#include "apiserver/admission/limited_resources.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "api/error_text.h"
#include "api/rules.h"
#include "api/validation/quote.h"
#include "apiserver/admission/configuration.h"

namespace ph::apiserver::admission {
namespace {

using api::quota::ScopedResourceSelectorRequirement;
using nlohmann::json;

void check_kind(ConfigurationMembers& members) {
  const std::string version = members.text("apiVersion"), kind = members.text("kind");
  if (version == "apiserver.config.k8s.io/v1" && kind == "ResourceQuotaConfiguration") return;
  const bool older = version == "resourcequota.admission.k8s.io/v1beta1" || version == "resourcequota.admission.k8s.io/v1alpha1";
  if (older && kind == "Configuration") return;
  members.fail(fmt::format("no kind {} is registered for version {}", api::quote(kind), api::quote(version)));
}

std::vector<std::string> texts(ConfigurationMembers& members, const std::string& name) {
  std::vector<std::string> out;
  members.each(name, [&](const json& element, const std::string& where) {
    if (!element.is_string()) throw AdmissionConfigurationError(where + " is not a string");
    out.push_back(element.get<std::string>());
  });
  return out;
}

ScopedResourceSelectorRequirement read_scope(const json& element, const std::string& where) {
  ConfigurationMembers members(element, where);
  ScopedResourceSelectorRequirement out;
  out.set_scope_name(members.text("scopeName"));
  out.set_operator_(members.text("operator"));
  for (std::string& value : texts(members, "values")) out.add_values(std::move(value));
  members.end();
  return out;
}

LimitedResource read_limited(const json& element, const std::string& where) {
  ConfigurationMembers members(element, where);
  LimitedResource out{.group = members.text("apiGroup"),
                      .plural = members.text("resource"),
                      .contains = texts(members, "matchContains"),
                      .scopes = {}};
  members.each("matchScopes",
               [&](const json& scope, const std::string& place) { out.scopes.push_back(read_scope(scope, place)); });
  members.end();
  return out;
}

// As Go's %v shows it.
std::string text_of(const ScopedResourceSelectorRequirement& scope) {
  return fmt::format("{{{} {} [{}]}}", scope.scope_name(), scope.operator_(), fmt::join(scope.values(), " "));
}

}  // namespace

LimitedResources read_limited_resources(const json& document) {
  LimitedResources out;
  if (document.is_object() && document.empty()) return out;
  ConfigurationMembers members(document, "ResourceQuota");
  check_kind(members);
  members.each("limitedResources",
               [&](const json& element, const std::string& where) { out.push_back(read_limited(element, where)); });
  members.end();
  api::Errors errors;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i].plural.empty()) errors.required(api::Path("limitedResources").index(i).member("resource"));
  }
  if (!errors.empty()) members.fail(api::text_of(errors.list()));
  return out;
}

void Coverage::add_scopes(const api::quota::ResourceQuota& quota) {
  for (const auto& scope : api::quota::scopes_of(quota)) {
    if (counted_.in_scope(scope, object_)) scopes_.insert(scope.scope_name());
  }
}

void Coverage::add_names(std::span<const std::string> names) { names_.insert(names.begin(), names.end()); }

std::string Coverage::uncovered_names(std::string_view group, std::string_view plural, const api::ResourceAmounts& usage) const {
  std::set<std::string> out;
  for (const LimitedResource& limited : limited_) {
    if (limited.group != group || limited.plural != plural) continue;
    for (const auto& [name, amount] : usage) {
      const auto is_part = [&name = name](const std::string& part) { return name.find(part) != std::string::npos; };
      if (amount.sign() > 0 && !names_.contains(name) && std::ranges::any_of(limited.contains, is_part)) out.insert(name);
    }
  }
  return out.empty() ? std::string() : fmt::format("insufficient quota to consume: {}", fmt::join(out, ","));
}

// Whatever resource they were written down for: upstream does not look.
std::string Coverage::uncovered_scopes() const {
  std::vector<std::string> out;
  for (const LimitedResource& limited : limited_) {
    for (const auto& scope : limited.scopes) {
      if (counted_.in_scope(scope, object_) && !scopes_.contains(scope.scope_name())) out.push_back(text_of(scope));
    }
  }
  return out.empty() ? std::string() : fmt::format("insufficient quota to match these scopes: [{}]", fmt::join(out, " "));
}

}  // namespace ph::apiserver::admission
