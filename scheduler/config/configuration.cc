// Upstream: cmd/kube-scheduler/app/options, pkg/scheduler/apis/config
#include "scheduler/config/configuration.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/times.h"
#include "scheduler/config/document.h"
#include "scheduler/config/extenders.h"
#include "scheduler/config/plugins.h"
#include "scheduler/config/problems.h"
#include "scheduler/config/validation.h"

namespace ph::scheduler {

using nlohmann::json;

namespace {

// More seconds than a Duration can hold are as good as for ever.
Duration seconds(const json& value) {
  constexpr std::int64_t kMost = std::chrono::floor<std::chrono::seconds>(Duration::max()).count();
  return std::chrono::seconds(std::min(value.get<std::int64_t>(), kMost));
}

void read_election(const json& election, LeaderElectionConfiguration& out) {
  out.leader_elect = election["leaderElect"];
  out.lease_duration = *api::parse_duration(election["leaseDuration"].get<std::string>());
  out.renew_deadline = *api::parse_duration(election["renewDeadline"].get<std::string>());
  out.retry_period = *api::parse_duration(election["retryPeriod"].get<std::string>());
  out.resource_lock = election["resourceLock"];
  out.resource_name = election["resourceName"];
  out.resource_namespace = election["resourceNamespace"];
}

void read_connection(const json& connection, ClientConnectionConfiguration& out) {
  out.kubeconfig = connection["kubeconfig"];
  out.accept_content_types = connection["acceptContentTypes"];
  out.content_type = connection["contentType"];
  out.qps = connection["qps"];
  out.burst = connection["burst"];
}

// `document` has its defaults and has been validated.
Configuration typed(const json& document, std::span<const PluginEntry> more) {
  Configuration out;
  out.parallelism = document["parallelism"];
  out.percentage_of_nodes_to_score = document["percentageOfNodesToScore"];
  out.pod_initial_backoff = seconds(document["podInitialBackoffSeconds"]);
  out.pod_max_backoff = seconds(document["podMaxBackoffSeconds"]);
  out.enable_profiling = document["enableProfiling"];
  out.enable_contention_profiling = document["enableContentionProfiling"];
  out.delay_cache_until_active = document.value("delayCacheUntilActive", false);
  read_election(document["leaderElection"], out.leader_election);
  read_connection(document["clientConnection"], out.client_connection);
  for (const json& extender : document.value("extenders", json::array())) out.extenders.push_back(read_extender(extender));
  for (const json& profile : document["profiles"]) out.profiles.push_back(read_profile(profile, more));
  apply_ignored_resources(out.extenders, out.profiles);
  out.document = shown(document).dump();
  return out;
}

}  // namespace

ProfileSpec default_profile() { return Configuration::defaults().profiles.front(); }

Configuration Configuration::defaults() {
  json document = empty_document();
  set_defaults(document);
  return typed(document, {});
}

Configuration Configuration::parse(std::string_view text, std::span<const PluginEntry> more) {
  json document = read_document(text);
  set_defaults(document);
  Problems problems;
  validate(document, problems);
  problems.raise();
  return typed(document, more);
}

}  // namespace ph::scheduler
