#include "apiserver/admission/pod_security/configuration.h"

#include <algorithm>
#include <functional>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "api/error_text.h"
#include "api/names.h"
#include "api/rules.h"
#include "api/validation/quote.h"
#include "apiserver/admission/configuration.h"

namespace ph::apiserver::pod_security {
namespace {

using nlohmann::json;
using Names = std::set<std::string, std::less<>>;

constexpr std::string_view kGroup = "pod-security.admission.config.k8s.io/";

// All versions say the same.
void check_kind(ConfigurationMembers& members) {
  const std::string version = members.text("apiVersion"), kind = members.text("kind");
  const bool known = version.starts_with(kGroup) && kind == "PodSecurityConfiguration";
  const std::string_view rest = known ? std::string_view(version).substr(kGroup.size()) : std::string_view();
  if (rest == "v1" || rest == "v1beta1" || rest == "v1alpha1") return;
  members.fail(fmt::format("no kind {} is registered for version {}", api::quote(kind), api::quote(version)));
}

// What is absent, or empty, is the default.
Standard read_standard(ConfigurationMembers& members, const std::string& mode, api::Errors& errors) {
  Standard out;
  const api::Path path("defaults");
  if (const std::string text = members.text(mode); !text.empty()) {
    const auto level = level_named(text);
    if (!level) errors.invalid_text(path.member(mode), text, level_rule());
    out.level = level.value_or(Level::Restricted);
  }
  const std::string name = mode + "-version";
  if (const std::string text = members.text(name); !text.empty()) {
    const auto minor = version_named(text);
    if (!minor) errors.invalid_text(path.member(name), text, kVersionRule);
    out.minor = minor.value_or(std::nullopt);
  }
  return out;
}

Names read_names(ConfigurationMembers& members, const std::string& name,
                 const std::function<std::vector<std::string>(std::string_view)>& check, api::Errors& errors) {
  Names out;
  std::size_t at = 0;
  members.each(name, [&](const json& element, const std::string&) {
    const api::Path path = api::Path("exemptions").member(name).index(at++);
    if (!element.is_string()) members.fail(fmt::format("{}[{}] is not a string", name, at - 1));
    const auto& text = element.get_ref<const std::string&>();
    if (const auto complaints = check(text); !complaints.empty()) {
      errors.invalid_text(path, text, fmt::format("{}", fmt::join(complaints, ", ")));
    } else if (!out.insert(text).second) {
      errors.duplicate(path, text);
    }
  });
  return out;
}

std::vector<std::string> check_username(std::string_view name) {
  if (name.empty()) return {"username must not be empty"};
  return {};
}

}  // namespace

Configuration read_configuration(const json& document) {
  Configuration out;
  if (document.is_object() && document.empty()) return out;
  ConfigurationMembers members(document, "PodSecurity");
  check_kind(members);
  api::Errors errors;
  if (const json* defaults = members.find("defaults")) {
    ConfigurationMembers of(*defaults, "PodSecurity: defaults");
    out.defaults.enforce = read_standard(of, "enforce", errors);
    out.defaults.warn = read_standard(of, "warn", errors);
    out.defaults.audit = read_standard(of, "audit", errors);
    of.end();
  }
  if (const json* exemptions = members.find("exemptions")) {
    ConfigurationMembers of(*exemptions, "PodSecurity: exemptions");
    out.namespaces = read_names(of, "namespaces", api::check_dns1123_label, errors);
    out.runtime_classes = read_names(of, "runtimeClasses", api::check_dns1123_subdomain, errors);
    out.usernames = read_names(of, "usernames", check_username, errors);
    of.end();
  }
  members.end();
  if (!errors.empty()) members.fail(api::text_of(errors.list()));
  return out;
}

}  // namespace ph::apiserver::pod_security
