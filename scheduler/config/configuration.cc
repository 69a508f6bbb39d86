// Upstream: pkg/scheduler/apis/config (v1 defaults, validation)
#include "scheduler/config/configuration.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "api/codec.h"
#include "scheduler/config/extenders.h"
#include "scheduler/config/plugins.h"
#include "scheduler/config/reader.h"

namespace ph::scheduler {

using nlohmann::json;

namespace {

constexpr std::string_view kKind = "KubeSchedulerConfiguration";
constexpr std::string_view kVersion = "kubescheduler.config.k8s.io/v1";

void read_leader_election(const json& object, Problems& problems, LeaderElectionConfiguration& out) {
  Reader reader(object, "leaderElection", problems);
  reader.read("leaderElect", out.leader_elect);
  reader.read_duration("leaseDuration", out.lease_duration);
  reader.read_duration("renewDeadline", out.renew_deadline);
  reader.read_duration("retryPeriod", out.retry_period);
  reader.read("resourceLock", out.resource_lock);
  reader.read("resourceName", out.resource_name);
  reader.read("resourceNamespace", out.resource_namespace);
  if (!out.leader_elect) return;
  const auto positive = [&](Duration value, const char* field) {
    if (value <= Duration::zero()) problems.add(fmt::format("leaderElection.{}", field), "must be greater than zero");
  };
  positive(out.lease_duration, "leaseDuration");
  positive(out.renew_deadline, "renewDeadline");
  positive(out.retry_period, "retryPeriod");
  if (out.lease_duration <= out.renew_deadline) {
    problems.add("leaderElection.leaseDuration", "LeaseDuration must be greater than RenewDeadline");
  }
  if (out.resource_lock != "leases")
    problems.add("leaderElection.resourceLock",
                 "Invalid value: \"" + out.resource_lock + "\": resourceLock value must be \"leases\"");
  if (out.resource_name.empty()) problems.add("leaderElection.resourceName", "Invalid value: \"\": resourceName is required");
  if (out.resource_namespace.empty())
    problems.add("leaderElection.resourceNamespace", "Invalid value: \"\": resourceNamespace is required");
}

void read_client_connection(const json& object, Problems& problems, ClientConnectionConfiguration& out) {
  Reader reader(object, "clientConnection", problems);
  reader.read("kubeconfig", out.kubeconfig);
  reader.read("acceptContentTypes", out.accept_content_types);
  reader.read("contentType", out.content_type);
  reader.read("qps", out.qps);
  reader.read("burst", out.burst);
  if (out.burst < 0) problems.add("clientConnection.burst", fmt::format("Invalid value: {}: must be non-negative", out.burst));
}

void check_percentage(const std::string& path, int value, Problems& problems) {
  if (value < 0 || value > 100) problems.add(path, fmt::format("Invalid value: {}: not in valid range [0-100]", value));
}

ProfileSpec read_profile(const json& object, const std::string& path, bool only, Problems& problems) {
  ProfileSpec out;
  Reader reader(object, path, problems);
  out.scheduler_name.clear();
  reader.read("schedulerName", out.scheduler_name);
  if (out.scheduler_name.empty() && only) out.scheduler_name = "default-scheduler";
  if (out.scheduler_name.empty()) problems.add(path + ".schedulerName", "Required value");
  if (reader.has("percentageOfNodesToScore")) {
    int value = 0;
    reader.read("percentageOfNodesToScore", value);
    check_percentage(path + ".percentageOfNodesToScore", value, problems);
    out.percentage_of_nodes_to_score = value;
  } else {
    reader.take("percentageOfNodesToScore");
  }
  const json* plugins = reader.take("plugins");
  expand_plugins(read_plugins(plugins ? *plugins : json::object(), path + ".plugins", problems), path + ".plugins", problems,
                 out);
  std::set<std::string> seen;
  for (const auto& [item, item_path] : reader.items("pluginConfig")) read_plugin_args(*item, item_path, problems, out.args, seen);
  return out;
}

void check_profiles(const std::vector<ProfileSpec>& profiles, Problems& problems) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < profiles.size(); ++i) {
    const ProfileSpec& profile = profiles[i];
    if (!profile.scheduler_name.empty() && !names.insert(profile.scheduler_name).second) {
      problems.add(fmt::format("profiles[{}].schedulerName", i), fmt::format("Duplicate value: \"{}\"", profile.scheduler_name));
    }
    const auto sorts = profile.points.find(Point::QueueSort);
    const auto binds = profile.points.find(Point::Bind);
    if (sorts == profile.points.end() || sorts->second.size() != 1) {
      problems.add(fmt::format("profiles[{}].plugins.queueSort", i), "exactly one queue sort plugin is required");
    } else if (profiles.front().points.contains(Point::QueueSort) &&
               sorts->second != profiles.front().points.at(Point::QueueSort)) {
      problems.add(fmt::format("profiles[{}].plugins.queueSort", i), "queueSort must be the same for all profiles");
    }
    if (binds == profile.points.end()) {
      problems.add(fmt::format("profiles[{}].plugins.bind", i), "at least one bind plugin is required");
    }
  }
}

json document_of(std::string_view text) {
  std::string converted;
  try {
    converted = api::yaml_to_json(text);
  } catch (const api::DecodeError& error) {
    throw ConfigurationError(error.what());
  }
  json document = json::parse(converted, nullptr, false);
  if (!document.is_object()) throw ConfigurationError("the configuration is not an object");
  const std::string kind = document.value("kind", json()).is_string() ? document["kind"].get<std::string>() : "";
  const std::string version = document.value("apiVersion", json()).is_string() ? document["apiVersion"].get<std::string>() : "";
  if (kind != kKind || version != kVersion) {
    throw ConfigurationError(
        fmt::format("no kind \"{}\" is registered for version \"{}\"; expected {}, {}", kind, version, kKind, kVersion));
  }
  return document;
}

}  // namespace

ProfileSpec default_profile() {
  ProfileSpec out;
  Problems problems;
  expand_plugins({}, "", problems, out);
  problems.raise();
  return out;
}

Configuration Configuration::defaults() {
  Configuration out;
  out.profiles.push_back(default_profile());
  return out;
}

Configuration Configuration::parse(std::string_view text) {
  const json document = document_of(text);
  Configuration out;
  Problems problems;
  {
    Reader reader(document, "", problems);
    reader.take("kind");
    reader.take("apiVersion");
    reader.read("parallelism", out.parallelism);
    reader.read("percentageOfNodesToScore", out.percentage_of_nodes_to_score);
    reader.read_seconds("podInitialBackoffSeconds", out.pod_initial_backoff);
    reader.read_seconds("podMaxBackoffSeconds", out.pod_max_backoff);
    reader.read("enableProfiling", out.enable_profiling);
    reader.read("enableContentionProfiling", out.enable_contention_profiling);
    reader.read("delayCacheUntilActive", out.delay_cache_until_active);
    if (const json* election = reader.take("leaderElection")) read_leader_election(*election, problems, out.leader_election);
    if (const json* client = reader.take("clientConnection")) read_client_connection(*client, problems, out.client_connection);
    const auto profiles = reader.items("profiles");
    for (const auto& [item, path] : profiles) out.profiles.push_back(read_profile(*item, path, profiles.size() == 1, problems));
    for (const auto& [item, path] : reader.items("extenders")) out.extenders.push_back(read_extender(*item, path, problems));
  }
  if (out.profiles.empty()) out.profiles.push_back(default_profile());

  if (out.parallelism <= 0) {
    problems.add("parallelism", fmt::format("Invalid value: {}: should be an integer value greater than zero", out.parallelism));
  }
  check_percentage("percentageOfNodesToScore", out.percentage_of_nodes_to_score, problems);
  if (out.pod_initial_backoff <= Duration::zero()) problems.add("podInitialBackoffSeconds", "must be greater than 0");
  if (out.pod_max_backoff < out.pod_initial_backoff) {
    problems.add("podMaxBackoffSeconds", "must be greater than or equal to PodInitialBackoffSeconds");
  }
  check_profiles(out.profiles, problems);
  check_extenders(out.extenders, problems);
  problems.raise();
  apply_ignored_resources(out.extenders, out.profiles);
  return out;
}

}  // namespace ph::scheduler
