// What admission plugins are configured with: the file of --admission-control-config-file, an AdmissionConfiguration of
// apiserver.config.k8s.io/v1. Reference: "Admission Control in Kubernetes"; kube-apiserver configuration (v1).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace ph::apiserver {

// What is wrong with a configuration, in words for an administrator.
class AdmissionConfigurationError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// By plugin: its configuration as JSON text.
using AdmissionConfigurations = std::map<std::string, std::string, std::less<>>;

// `text`: YAML or JSON. `read` gives the content of a file that the configuration names, by its path as it stands there. Throws
// AdmissionConfigurationError: also for a plugin that there is not, or that has no configuration here; and what `read` throws.
AdmissionConfigurations read_admission_configuration(std::string_view text,
                                                     const std::function<std::string(const std::string& path)>& read);

// The document of a plugin; an empty object when it has none.
nlohmann::json configuration_of(const AdmissionConfigurations& configurations, std::string_view plugin);

// An object's members, taken one by one. Throws AdmissionConfigurationError for what is of another type than it is taken for, with
// `where`: "EventRateLimit: limits[0]". It outlives its object no longer.
class ConfigurationMembers {
 public:
  ConfigurationMembers(const nlohmann::json& object, std::string where);

  // Null: it is absent, or null.
  const nlohmann::json* find(const std::string& name);
  std::string text(const std::string& name);  // empty: absent
  std::optional<std::int64_t> whole(const std::string& name);
  bool flag(const std::string& name);
  // Calls with each element, and where it stands.
  void each(const std::string& name, const std::function<void(const nlohmann::json& element, const std::string& where)>& take);
  // The document says what it is: apiVersion, kind.
  void must_be(std::string_view api_version, std::string_view kind);
  // Nothing else stands there.
  void end() const;

  const std::string& where() const { return where_; }
  [[noreturn]] void fail(std::string_view what) const;

 private:
  const nlohmann::json& object_;
  const std::string where_;
  std::set<std::string> taken_;
};

}  // namespace ph::apiserver
