// PodSecurityConfiguration: what namespaces demand that say nothing, and who is exempt from all of it. Reference: "Enforce Pod Security
// Standards by Configuring the Built-in Admission Controller".
#pragma once

#include <set>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "apiserver/admission/pod_security/policy.h"

namespace ph::apiserver::pod_security {

struct Configuration {
  Policy defaults;
  std::set<std::string, std::less<>> usernames, namespaces, runtime_classes;  // that are exempt
};

// Of the plugin's part of the file; an empty document is the default. Throws AdmissionConfigurationError, with upstream's words for values
// that may not be.
Configuration read_configuration(const nlohmann::json& document);

}  // namespace ph::apiserver::pod_security
