// The document of a KubeSchedulerConfiguration: its text in its shape, filled with upstream's defaults.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace ph::scheduler {

inline constexpr std::string_view kConfigurationVersion = "kubescheduler.config.k8s.io/v1";

// Throws ConfigurationError, in upstream's words, for what is no such document.
nlohmann::json read_document(std::string_view text);
// One that says nothing.
nlohmann::json empty_document();
// What the user has not said; the plugins are merged with the default ones.
void set_defaults(nlohmann::json& document);
// The complete document as it is shown: arguments of the plugins that take part alone, in the order of their names, and what extenders
// answer for in those of NodeResourcesFit.
nlohmann::json shown(nlohmann::json document);

}  // namespace ph::scheduler
