// Upstream: cmd/kube-scheduler/app/options/configfile.go, pkg/scheduler/apis/config/scheme
#include "scheduler/config/document.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "api/codec.h"
#include "api/yaml_duplicates.h"
#include "scheduler/config/configuration.h"
#include "scheduler/config/shape.h"
#include "scheduler/framework/registry.h"

namespace ph::scheduler {

using nlohmann::json, nlohmann::ordered_json;

namespace {

constexpr std::string_view kKind = "KubeSchedulerConfiguration";
constexpr std::string_view kScheme = "in scheme \"pkg/scheduler/apis/config/scheme/scheme.go:29\"";

std::string strict(const std::vector<std::string>& errors) {
  return fmt::format("strict decoding error: {}", fmt::join(errors, ", "));
}

std::string not_registered(const api::GroupVersionKind& kind) {
  return fmt::format("no kind \"{}\" is registered for version \"{}\" {}", kind.kind, kind.api_version(), kScheme);
}

// Those that the scheme knows.
bool is_registered(const api::GroupVersionKind& kind) {
  if (kind.api_version() != kConfigurationVersion) return false;
  if (kind.kind == kKind) return true;
  return kind.kind.ends_with("Args") && shape_of_arguments(std::string_view(kind.kind).substr(0, kind.kind.size() - 4));
}

void check_kind(const api::GroupVersionKind& kind, std::string_view text) {
  if (kind.kind.empty()) throw ConfigurationError(fmt::format("Object 'Kind' is missing in '{}'", text));
  if (kind.api_version().empty()) throw ConfigurationError(fmt::format("Object 'apiVersion' is missing in '{}'", text));
  if (!is_registered(kind)) throw ConfigurationError(not_registered(kind));
  if (kind.kind == kKind) return;
  throw ConfigurationError(fmt::format("couldn't decode as {}, got {}, Kind={}: ", kKind, kind.api_version(), kind.kind));
}

// The arguments of one plugin, in their shape; those of a plugin without one stay as they are. What is in them and nobody knows is one
// strict error.
void shape_arguments(json& config, const std::string& path, std::vector<std::string>& unknown) {
  const std::string name = config.value("name", "");
  const Shape* shape = shape_of_arguments(name);
  if (!shape) return;
  const auto refuse = [&](const std::string& why) { throw ConfigurationError(fmt::format("decoding {}: {}", path, why)); };
  const auto in_arguments = [&](const std::string& why) { return fmt::format("decoding args for plugin {}: {}", name, why); };
  ordered_json args = config.contains("args") ? ordered_json(config["args"]) : ordered_json::object();
  std::vector<std::string> inner;
  json read;
  try {
    if (args.is_object()) {
      const auto own = api::type_of(args.dump());
      api::GroupVersionKind kind = own;
      if (kind.kind.empty()) kind.kind = shape->name;
      if (own.api_version().empty()) kind.group = "kubescheduler.config.k8s.io", kind.version = "v1";
      if (!is_registered(kind)) refuse(in_arguments(not_registered(kind)));
      if (kind.kind != shape->name) {
        refuse(fmt::format("args for plugin {} were not of type {}.kubescheduler.config.k8s.io, got {}.{}", name, shape->name,
                           kind.kind, kind.group));
      }
    }
    read = shaped(args, *shape, inner);
  } catch (const api::DecodeError& error) {
    refuse(in_arguments(error.what()));
  }
  if (!inner.empty()) unknown.push_back(fmt::format("decoding {}: strict decoding error: {}", path, in_arguments(strict(inner))));
  read["apiVersion"] = kConfigurationVersion;
  read["kind"] = shape->name;
  config["args"] = std::move(read);
}

// What follows the first document is not looked at.
std::string_view first_document(std::string_view text) {
  bool begun = false;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    const bool mark = line.size() == 3 || (line.size() > 3 && (line[3] == ' ' || line[3] == '\t' || line[3] == '\r'));
    if (mark && (line.starts_with("---") || line.starts_with("..."))) {
      if (begun) return text.substr(0, at);
      begun = true;
    } else if (!line.empty() && line[0] != '#' && line[0] != '%' && line.find_first_not_of(" \t\r") != line.npos) {
      begun = true;
    }
    at = end + 1;
  }
  return text;
}

}  // namespace

json read_document(std::string_view whole) {
  const std::string_view text = first_document(whole);
  json out;
  std::vector<std::string> unknown;
  try {
    const std::string converted = api::yaml_to_json(text);
    if (converted == "null") check_kind({}, whole);
    check_kind(api::type_of(converted), whole);
    if (const auto twice = api::yaml_duplicates(text); !twice.empty()) {
      unknown.push_back(fmt::format("yaml: unmarshal errors:\n  {}", fmt::join(twice, "\n  ")));
    }
    out = shaped(ordered_json::parse(converted), kConfigurationShape, unknown);
  } catch (const api::DecodeError& error) {
    throw ConfigurationError(error.what());
  } catch (const json::parse_error& error) {
    throw ConfigurationError(error.what());  // a text that is not UTF-8
  }
  if (out.contains("profiles")) {
    for (std::size_t i = 0; i < out["profiles"].size(); ++i) {
      if (!out["profiles"][i].contains("pluginConfig")) continue;
      json& configs = out["profiles"][i]["pluginConfig"];
      for (std::size_t j = 0; j < configs.size(); ++j) {
        shape_arguments(configs[j], fmt::format(".profiles[{}].pluginConfig[{}]", i, j), unknown);
      }
    }
  }
  if (!unknown.empty()) throw ConfigurationError(strict(unknown));
  return out;
}

json empty_document() {
  std::vector<std::string> none;
  return shaped(ordered_json::object(), kConfigurationShape, none);
}

// -- Defaults. Upstream: pkg/scheduler/apis/config/v1/defaults.go, default_plugins.go

namespace {

// Also where the user has said nothing by saying zero.
void if_zero(json& object, const char* name, json value) {
  json& at = object[name];
  if (at.is_null() || at == "" || at == "0s" || at == 0) at = std::move(value);
}

void if_absent(json& object, const char* name, json value) {
  if (!object.contains(name)) object[name] = std::move(value);
}

json default_plugins() {
  json enabled = json::array();
  for (const PluginEntry& entry : plugin_registry()) {
    if (entry.by_default) enabled.push_back({{"name", entry.name}, {"weight", entry.weight}});
  }
  return {{"multiPoint", {{"enabled", std::move(enabled)}}}};
}

bool names(const json& set, const char* list, std::string_view name) {
  const auto found = set.find(list);
  return found != set.end() && std::ranges::any_of(*found, [&](const json& plugin) { return plugin.value("name", "") == name; });
}

// The defaults in their order, each with the user's own settings where there are any; then what the user adds.
json merged(const json& defaults, const json& custom) {
  json enabled = json::array(), out = json::object();
  std::vector<bool> replaced(custom.contains("enabled") ? custom["enabled"].size() : 0);
  const json none = json::array();
  const json& own = custom.contains("enabled") ? custom["enabled"] : none;
  if (defaults.contains("enabled") && !names(custom, "disabled", "*")) {
    for (const json& plugin : defaults["enabled"]) {
      const std::string name = plugin["name"];
      if (names(custom, "disabled", name)) continue;
      const json* chosen = &plugin;
      for (std::size_t i = 0; i < own.size(); ++i) {  // of several the last one counts
        if (own[i]["name"] != name) continue;
        chosen = &own[i];
      }
      for (std::size_t i = own.size(); i-- > 0;) {
        if (&own[i] == chosen) replaced[i] = true;
      }
      enabled.push_back(*chosen);
    }
  }
  for (std::size_t i = 0; i < own.size(); ++i) {
    if (!replaced[i]) enabled.push_back(own[i]);
  }
  for (json& plugin : enabled) if_absent(plugin, "weight", 0);
  if (!enabled.empty()) out["enabled"] = std::move(enabled);
  if (custom.contains("disabled")) {
    for (const json& plugin : custom["disabled"]) out["disabled"].push_back({{"name", plugin["name"]}, {"weight", 0}});
  }
  return out;
}

void set_argument_defaults(const std::string& plugin, json& args) {
  const auto weighted = [](json& resources) {
    if (!resources.is_array()) resources = json::parse(R"([{"name":"cpu","weight":1},{"name":"memory","weight":1}])");
    for (json& resource : resources) if_zero(resource, "weight", 1);
  };
  if (plugin == "DefaultPreemption") {
    if_absent(args, "minCandidateNodesPercentage", 10);
    if_absent(args, "minCandidateNodesAbsolute", 100);
  } else if (plugin == "DynamicResources") {
    if_absent(args, "filterTimeout", "10s");
    if_absent(args, "bindingTimeout", "10m0s");
  } else if (plugin == "FlowPlacement") {
    if_zero(args, "policy", "Scores");
    if_absent(args, "batchWindow", "10ms");
    if_absent(args, "maxBatch", 5000);
    if_absent(args, "solveTimeLimit", "500ms");
    if_zero(args, "rackLabel", "topology.kubernetes.io/rack");
  } else if (plugin == "InterPodAffinity") {
    if_absent(args, "hardPodAffinityWeight", 1);
  } else if (plugin == "NodeResourcesBalancedAllocation") {
    weighted(args["resources"]);
  } else if (plugin == "NodeResourcesFit") {
    if (!args.contains("scoringStrategy")) args["scoringStrategy"] = {{"type", "LeastAllocated"}};
    weighted(args["scoringStrategy"]["resources"]);
  } else if (plugin == "PodTopologySpread") {
    if_zero(args, "defaultingType", "System");
  } else if (plugin == "VolumeBinding") {
    if_absent(args, "bindTimeoutSeconds", 600);
  }
}

std::set<std::string> enabled_plugins(const json& profile) {
  std::set<std::string> out;
  for (const auto& [point, set] : profile["plugins"].items()) {
    if (!set.contains("enabled")) continue;
    for (const json& plugin : set["enabled"]) out.insert(plugin["name"].get<std::string>());
  }
  return out;
}

// Arguments of all plugins that take some and are asked for.
void set_plugin_config_defaults(json& profile) {
  json& configs = profile["pluginConfig"];
  if (!configs.is_array()) configs = json::array();
  std::set<std::string> given;
  for (json& config : configs) {
    const std::string name = config.value("name", "");
    given.insert(name);
    if_absent(config, "args", nullptr);
    if (shape_of_arguments(name)) set_argument_defaults(name, config["args"]);
  }
  for (const std::string& name : enabled_plugins(profile)) {
    const Shape* shape = shape_of_arguments(name);
    if (!shape || given.contains(name)) continue;
    std::vector<std::string> none;
    json args = shaped(ordered_json::object(), *shape, none);
    args["apiVersion"] = kConfigurationVersion;
    args["kind"] = shape->name;
    set_argument_defaults(name, args);
    configs.push_back({{"name", name}, {"args", std::move(args)}});
  }
}

void set_profile_defaults(json& profile) {
  static const json* defaults = new json(default_plugins());
  const json custom = profile.contains("plugins") ? profile["plugins"] : json::object();
  std::vector<std::string> none;
  json plugins = json::object();
  for (const char* point : {"preEnqueue", "queueSort", "preFilter", "filter", "postFilter", "preScore", "score", "reserve",
                            "permit", "preBind", "bind", "postBind", "multiPoint", "placementGenerate", "placementScore"}) {
    plugins[point] = merged(defaults->value(point, json::object()), custom.value(point, json::object()));
  }
  profile["plugins"] = std::move(plugins);
  set_plugin_config_defaults(profile);
}

}  // namespace

void set_defaults(json& document) {
  if_absent(document, "parallelism", 16);
  if (!document.contains("profiles")) document["profiles"] = json::array({json::object()});
  json& profiles = document["profiles"];
  // Only one profile may go without a name.
  if (profiles.size() == 1) if_absent(profiles[0], "schedulerName", "default-scheduler");
  for (json& profile : profiles) set_profile_defaults(profile);
  if_absent(document, "percentageOfNodesToScore", 0);

  json& election = document["leaderElection"];
  if_absent(election, "leaderElect", true);
  if_zero(election, "leaseDuration", "15s");
  if_zero(election, "renewDeadline", "10s");
  if_zero(election, "retryPeriod", "2s");
  if_zero(election, "resourceLock", "leases");
  if_zero(election, "resourceName", "kube-scheduler");
  if_zero(election, "resourceNamespace", "kube-system");

  json& connection = document["clientConnection"];
  if_zero(connection, "contentType", "application/vnd.kubernetes.protobuf");
  if_zero(connection, "qps", 50);
  if_zero(connection, "burst", 100);

  if_absent(document, "podInitialBackoffSeconds", 1);
  if_absent(document, "podMaxBackoffSeconds", 10);
  if_absent(document, "enableProfiling", true);
  if_absent(document, "enableContentionProfiling", document["enableProfiling"]);
  if (document.contains("extenders")) {
    for (json& extender : document["extenders"]) if_zero(extender, "httpTimeout", "5s");
  }
  document["apiVersion"] = kConfigurationVersion;
  document["kind"] = kKind;
}

// -- As it is shown. Upstream: pkg/scheduler (applyDefaultProfiles), framework/runtime (the captured profile)

namespace {

json ignored_resources(const json& document) {
  json out = json::array();
  for (const json& extender : document.value("extenders", json::array())) {
    for (const json& resource : extender.value("managedResources", json::array())) {
      if (resource.value("ignoredByScheduler", false)) out.push_back(resource.value("name", ""));
    }
  }
  return out;
}

}  // namespace

json shown(json document) {
  const json ignored = ignored_resources(document);
  for (json& profile : document["profiles"]) {
    const std::set<std::string> enabled = enabled_plugins(profile);
    std::map<std::string, json> by_name;
    for (json& config : profile["pluginConfig"]) {
      if (!enabled.contains(config["name"].get_ref<const std::string&>()) || config["args"].is_null()) continue;
      if (config["name"] == "NodeResourcesFit" && !ignored.empty()) config["args"]["ignoredResources"] = ignored;
      const std::string name = config["name"];
      by_name[name] = std::move(config);
    }
    json configs = json::array();
    for (auto& [name, config] : by_name) configs.push_back(std::move(config));
    profile["pluginConfig"] = std::move(configs);
    if (profile["pluginConfig"].empty()) profile.erase("pluginConfig");
  }
  return document;
}

}  // namespace ph::scheduler
