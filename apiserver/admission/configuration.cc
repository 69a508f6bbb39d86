#include "apiserver/admission/configuration.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/validation/quote.h"
#include "api/yaml_document.h"

namespace ph::apiserver {

using nlohmann::json;

namespace {

constexpr std::string_view kConfigured[] = {"EventRateLimit", "ImagePolicyWebhook",       "PodNodeSelector",
                                            "PodSecurity",    "PodTolerationRestriction", "ResourceQuota"};

json parsed(std::string_view text, std::string_view where) {
  try {
    return api::yaml_document(text);
  } catch (const api::DecodeError& error) {
    throw AdmissionConfigurationError(fmt::format("{}: {}", where, error.what()));
  }
}

// In the document itself, or in a file of its own.
json content_of(ConfigurationMembers& plugin, const std::string& name,
                const std::function<std::string(const std::string& path)>& read) {
  const json* embedded = plugin.find("configuration");
  const std::string path = plugin.text("path");
  if (embedded != nullptr && !path.empty()) plugin.fail("either path or configuration, not both");
  if (embedded != nullptr) return *embedded;
  return path.empty() ? json::object() : parsed(read(path), fmt::format("{}: {}", name, path));
}

}  // namespace

AdmissionConfigurations read_admission_configuration(std::string_view text,
                                                     const std::function<std::string(const std::string& path)>& read) {
  AdmissionConfigurations out;
  const json document = parsed(text, "AdmissionConfiguration");
  ConfigurationMembers members(document, "AdmissionConfiguration");
  members.must_be("apiserver.config.k8s.io/v1", "AdmissionConfiguration");
  members.each("plugins", [&](const json& element, const std::string& where) {
    ConfigurationMembers plugin(element, where);
    const std::string name = plugin.text("name");
    if (std::ranges::find(kConfigured, name) == std::end(kConfigured)) {
      plugin.fail(fmt::format("there is no plugin {} that has a configuration", api::quote(name)));
    }
    const json content = content_of(plugin, name, read);
    plugin.end();
    // Of several upstream takes the first.
    out.try_emplace(name, content.dump());
  });
  members.end();
  return out;
}

json configuration_of(const AdmissionConfigurations& configurations, std::string_view plugin) {
  const auto found = configurations.find(plugin);
  if (found == configurations.end()) return json::object();
  try {
    return json::parse(found->second);
  } catch (const json::exception& error) {
    throw AdmissionConfigurationError(fmt::format("{}: {}", plugin, error.what()));
  }
}

ConfigurationMembers::ConfigurationMembers(const json& object, std::string where) : object_(object), where_(std::move(where)) {
  if (!object_.is_object()) fail("is not an object");
}

const json* ConfigurationMembers::find(const std::string& name) {
  taken_.insert(name);
  const auto found = object_.find(name);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

std::string ConfigurationMembers::text(const std::string& name) {
  const json* value = find(name);
  if (value == nullptr) return {};
  if (!value->is_string()) fail(fmt::format("{} is not a string", name));
  return value->get<std::string>();
}

std::optional<std::int64_t> ConfigurationMembers::whole(const std::string& name) {
  const json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number_integer()) fail(fmt::format("{} is not a whole number", name));
  const auto bound = static_cast<double>(std::int64_t{1} << 53);
  if (std::abs(value->get<double>()) > bound) fail(fmt::format("{} is too large", name));
  return value->get<std::int64_t>();
}

bool ConfigurationMembers::flag(const std::string& name) {
  const json* value = find(name);
  if (value == nullptr) return false;
  if (!value->is_boolean()) fail(fmt::format("{} is neither true nor false", name));
  return value->get<bool>();
}

void ConfigurationMembers::each(const std::string& name,
                                const std::function<void(const json& element, const std::string& where)>& take) {
  const json* list = find(name);
  if (list == nullptr) return;
  if (!list->is_array()) fail(fmt::format("{} is not a list", name));
  for (std::size_t i = 0; i < list->size(); ++i) take((*list)[i], fmt::format("{}: {}[{}]", where_, name, i));
}

void ConfigurationMembers::must_be(std::string_view api_version, std::string_view kind) {
  const std::string version = text("apiVersion"), own = text("kind");
  if (version == api_version && own == kind) return;
  fail(fmt::format("apiVersion {} and kind {} are wanted, not {} and {}", api_version, kind, api::quote(version),
                   api::quote(own)));
}

void ConfigurationMembers::end() const {
  for (const auto& [name, value] : object_.items()) {
    if (!taken_.contains(name)) fail(fmt::format("unknown field {}", api::quote(name)));
  }
}

void ConfigurationMembers::fail(std::string_view what) const {
  throw AdmissionConfigurationError(fmt::format("{}: {}", where_, what));
}

}  // namespace ph::apiserver
