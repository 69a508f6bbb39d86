// Every metric a cluster shows, against the list of upstream's (tests/data/facts): none is there under a name that upstream
// has with another type, other labels or other buckets; and of upstream's none is missing without a reason.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "base/process_metrics.h"
#include "controllers/pod_gc/metrics.h"
#include "election/metrics.h"
#include "informers/metrics.h"
#include "pilothouse/version.h"
#include "scheduler/metrics.h"
#include "tests/pilothouse/exposition.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"
#include "tests/vectors/reading.h"

namespace ph::pilothouse {
namespace {

using ph::testing::Exposition;
using ph::testing::read_exposition;
using ph::testing::ShownFamily;

struct Upstream {
  std::string type;       // counter, gauge, histogram
  std::string stability;  // STABLE, BETA, ALPHA
  std::set<std::string> labels;
  std::optional<std::set<double>> bounds;  // where they are known
  std::string deprecated;
};
using Inventory = std::map<std::string, Upstream>;

// -- What upstream has

double number(const nlohmann::json& value) {
  return value.is_string() ? std::stod(value.get<std::string>()) : value.get<double>();
}

Inventory read_facts() {
  Inventory out;
  const auto facts = vectors::read_facts("scheduler");
  for (const auto& metric : facts.at("metrics")) {
    Upstream entry;
    entry.type = metric.at("type").get<std::string>();
    entry.type[0] = static_cast<char>(std::tolower(entry.type[0]));
    if (entry.type == "custom") entry.type = "gauge";  // made by collectors of their own
    entry.stability = metric.at("stability");
    for (const auto& label : metric.at("labels")) entry.labels.insert(label.get<std::string>());
    if (metric.contains("buckets")) {
      entry.bounds.emplace();
      for (const auto& bound : metric.at("buckets")) entry.bounds->insert(number(bound));
    }
    entry.deprecated = metric.value("deprecatedVersion", "");
    out[metric.at("name")] = std::move(entry);
  }
  return out;
}

// Upstream's alpha metrics are not all in the list. These are from the metrics reference of the documentation.
const Inventory kAlpha = {
    {"apiserver_init_events_total", {"counter", "ALPHA", {"group", "resource"}, {}, ""}},
    {"apiserver_resource_objects", {"gauge", "ALPHA", {"group", "resource"}, {}, ""}},
    {"apiserver_terminated_watchers_total", {"counter", "ALPHA", {"group", "resource"}, {}, ""}},
    {"apiserver_watch_events_sizes", {"histogram", "ALPHA", {"group", "resource", "version"}, {}, ""}},
    {"apiserver_watch_events_total", {"counter", "ALPHA", {"group", "resource", "version"}, {}, ""}},
    {"authenticated_user_requests", {"counter", "ALPHA", {"username"}, {}, ""}},
    {"authentication_attempts", {"counter", "ALPHA", {"result"}, {}, ""}},
    {"authentication_duration_seconds", {"histogram", "ALPHA", {"result"}, {}, ""}},
    {"authorization_attempts_total", {"counter", "ALPHA", {"result"}, {}, ""}},
    {"authorization_duration_seconds", {"histogram", "ALPHA", {"result"}, {}, ""}},
    {"leader_election_master_status", {"gauge", "ALPHA", {"name"}, {}, ""}},
    {"leader_election_slowpath_total", {"counter", "ALPHA", {"name"}, {}, ""}},
    {"node_collector_unhealthy_nodes_in_zone", {"gauge", "ALPHA", {"zone"}, {}, ""}},
    {"node_collector_update_all_nodes_health_duration_seconds",
     {"histogram", "ALPHA", {}, std::set<double>{0.01, 0.04, 0.16, 0.64, 2.56, 10.24, 40.96, 163.84}, ""}},
    {"node_collector_zone_health", {"gauge", "ALPHA", {"zone"}, {}, ""}},
    {"node_collector_zone_size", {"gauge", "ALPHA", {"zone"}, {}, ""}},
    {"pod_gc_collector_force_delete_pod_errors_total", {"counter", "ALPHA", {"namespace", "reason"}, {}, ""}},
    {"pod_gc_collector_force_delete_pods_total", {"counter", "ALPHA", {"namespace", "reason"}, {}, ""}},
    {"rest_client_request_duration_seconds",
     {"histogram", "ALPHA", {"host", "verb"}, std::set<double>{0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60}, ""}},
    {"rest_client_request_retries_total", {"counter", "ALPHA", {"code", "host", "verb"}, {}, ""}},
    {"rest_client_request_size_bytes",
     {"histogram",
      "ALPHA",
      {"host", "verb"},
      std::set<double>{64, 256, 512, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216},
      ""}},
    {"rest_client_requests_total", {"counter", "ALPHA", {"code", "host", "method"}, {}, ""}},
    {"rest_client_response_size_bytes",
     {"histogram",
      "ALPHA",
      {"host", "verb"},
      std::set<double>{64, 256, 512, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216},
      ""}},
    {"device_taint_eviction_controller_pod_deletion_duration_seconds",
     {"histogram", "ALPHA", {}, std::set<double>{0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 30, 60, 120, 180, 240}, ""}},
    {"device_taint_eviction_controller_pod_deletions_total", {"counter", "ALPHA", {}, {}, ""}},
    {"serviceaccount_invalid_legacy_auto_token_uses_total", {"counter", "ALPHA", {}, {}, ""}},
    {"serviceaccount_legacy_auto_token_uses_total", {"counter", "ALPHA", {}, {}, ""}},
    {"serviceaccount_legacy_manual_token_uses_total", {"counter", "ALPHA", {}, {}, ""}},
    {"serviceaccount_legacy_tokens_total", {"counter", "ALPHA", {}, {}, ""}},
    {"serviceaccount_stale_tokens_total", {"counter", "ALPHA", {}, {}, ""}},
    {"serviceaccount_valid_tokens_total", {"counter", "ALPHA", {}, {}, ""}},
    {"taint_eviction_controller_pod_deletion_duration_seconds",
     {"histogram", "ALPHA", {}, std::set<double>{0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 30, 60, 120, 180, 240}, ""}},
    {"taint_eviction_controller_pod_deletions_total", {"counter", "ALPHA", {}, {}, ""}},
    {"ttl_after_finished_controller_job_deletion_duration_seconds",
     {"histogram",
      "ALPHA",
      {},
      std::set<double>{0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4, 204.8, 409.6, 819.2},
      ""}},
};

// Why there is none of these here. A name that ends in * stands for all that begin so.
const std::map<std::string, std::vector<std::string>> kAbsent = {
    {"webhooks are not called", {"apiserver_admission_webhook_admission_duration_seconds"}},
    {"whether anybody asks for the one API on its way out is not counted", {"apiserver_requested_deprecated_apis"}},
    {"access is configured by flags here, not by files that are read again",
     {"apiserver_authentication_config_controller_*", "apiserver_authorization_config_controller_*"}},
    {"the apiserver evaluates no expressions (CEL)", {"apiserver_cel_*", "apiserver_validating_admission_policy_*"}},
    {"this cluster has seats for everybody", {"apiserver_flowcontrol_rejected_requests_total"}},
    {"every rule is declared once: there are no two validations to compare", {"apiserver_validation_declarative_validation_*"}},
    {"metrics cannot be hidden or switched off", {"disabled_metrics_total", "hidden_metrics_total"}},
    {"feature gates cannot be set, and their defaults do not tell what is here", {"kubernetes_feature_enabled"}},
    {"there is no /metrics/resources", {"kube_pod_resource_limit", "kube_pod_resource_request"}},
    {"plugins run on one thread, one after the other", {"scheduler_goroutines"}},
    {"a preemption is carried out on the scheduler's thread", {"scheduler_preemption_goroutines_*"}},
    {"writes are not queued behind the scheduler", {"scheduler_async_api_call_*", "scheduler_pending_async_api_calls"}},
    {"pods are scheduled one by one, not in groups or batches",
     {"scheduler_podgroup_*", "scheduler_batch_*", "scheduler_get_node_hint_duration_seconds",
      "scheduler_store_schedule_results_duration_seconds"}},
    {"no claim is made for an extended resource", {"scheduler_resourceclaim_creates_total"}},
    {"which step of binding a volume fails is in the events alone", {"scheduler_volume_*"}},
};

const std::string* absence(const std::string& name) {
  for (const auto& [reason, names] : kAbsent) {
    for (const std::string& absent : names) {
      const bool same = absent.ends_with('*') ? name.starts_with(absent.substr(0, absent.size() - 1)) : name == absent;
      if (same) return &reason;
    }
  }
  return nullptr;
}

// -- What a cluster shows

class MetricsInventory : public ::testing::Test {
 protected:
  // One run of everything is enough for all tests.
  static void SetUpTestSuite() {
    Metrics metrics;
    // What no traffic of a simulated cluster brings about.
    ManualRead read;
    scheduler::SchedulerMetrics(&metrics, read.clock).permitted(scheduler::Verdict::fits(), {});
    const election::ElectionMetrics elections{&metrics};
    elections.master_status.with({"kube-scheduler"}).set(1);
    elections.slowpath.with({"kube-scheduler"}).set(1);
    elections.refused.with({"kube-scheduler"}).set(1);
    controllers::pod_gc::PodGcFamilies{&metrics}.failed.with({"default", "orphaned"}).add();
    show_build(metrics, build_info());
    informers::ClientMetrics client(&metrics, "127.0.0.1:6443");
    read.executor.post(
        [&client] { informers::ClientMetrics::Attempt(&client, HttpRequest{.method = "GET"}, false).retried(429); });
    read.executor.drain();
    {
      ThreadExecutor executor("worker", read.clock, &metrics);
    }

    sim::Cluster cluster(sim::everything(2).counted_by(metrics));
    const ProcessMetrics process(metrics, read.executor, [] { return ProcessSample{.cpu_seconds = 1.5, .open_fds = 7}; });
    make_traffic(cluster);
    shown = new Exposition(read_exposition(body_of(cluster.get_path("/metrics"))));
    slis = new Exposition(read_exposition(body_of(cluster.get_path("/metrics/slis"))));
  }
  static void TearDownTestSuite() {
    delete std::exchange(shown, nullptr);
    delete std::exchange(slis, nullptr);
  }

  struct ManualRead {
    SystemClock clock;
    sim::SimExecutor executor;
  };

  static void make_traffic(sim::Cluster& cluster) {
    cluster.advance(5s);
    cluster.create(sim::make_deployment("default/web").replicas(3).object());
    core::v1::Service web = sim::make_service("default/web");
    web.mutable_spec()->set_traffic_distribution("PreferClose");
    cluster.create(web);
    core::v1::Pod huge = sim::make_pod("default/huge");
    (*huge.mutable_spec()->mutable_containers(0)->mutable_resources()->mutable_requests())["cpu"].set_string("1000");
    cluster.create(huge);
    cluster.create(sim::make_pod("default/orphan", "ghost"));
    make_jobs(cluster);
    make_autoscaler(cluster);
    cluster.advance(30s);
    EXPECT_ANY_THROW(cluster.create(sim::make_deployment("default/web").object()));
    (void)cluster.scrape();  // while a pod is unschedulable
    cluster.edit<apps::v1::Deployment>("default/web", [](auto& web) { web.mutable_spec()->set_replicas(1); });
    cluster.advance(1min);
    cluster.remove<core::v1::Pod>("default/huge");
    cluster.get_path("/api/v1/pods");
    cluster.get_path("/livez");
    cluster.get_path("/nowhere");
    cluster.advance(2min);
  }

  // One that fails as its policy says, and one each minute.
  static void make_jobs(sim::Cluster& cluster) {
    batch::v1::Job job = sim::make_job("default/job");
    job.mutable_spec()->mutable_template_()->mutable_spec()->mutable_containers(0)->add_command("false");
    auto& rule = *job.mutable_spec()->mutable_pod_failure_policy()->add_rules();
    rule.set_action("FailJob");
    rule.mutable_on_exit_codes()->set_operator_("In");
    rule.mutable_on_exit_codes()->add_values(1);
    cluster.create(job);
    batch::v1::CronJob cron;
    cron.mutable_metadata()->set_namespace_("default");
    cron.mutable_metadata()->set_name("cron");
    cron.mutable_spec()->set_schedule("* * * * *");
    *cron.mutable_spec()->mutable_job_template()->mutable_spec() = sim::make_job().object().spec();
    cluster.create(cron);
  }

  // Of a number that nobody measures.
  static void make_autoscaler(sim::Cluster& cluster) {
    autoscaling::v2::HorizontalPodAutoscaler scaler;
    scaler.mutable_metadata()->set_namespace_("default");
    scaler.mutable_metadata()->set_name("web");
    auto& target = *scaler.mutable_spec()->mutable_scale_target_ref();
    target.set_api_version("apps/v1");
    target.set_kind("Deployment");
    target.set_name("web");
    scaler.mutable_spec()->set_max_replicas(5);
    cluster.create(scaler);
  }

  static std::string body_of(const HttpResponse& response) {
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.headers.get("content-type"), Metrics::kContentType);
    std::string out;
    for (const SharedBytes& piece : response.body) out += *piece;
    return out;
  }

  static inline Exposition* shown = nullptr;
  static inline Exposition* slis = nullptr;
};

void expect_like_upstream(const ShownFamily& family, const Upstream& upstream) {
  SCOPED_TRACE(family.name);
  EXPECT_EQ(family.type, upstream.type);
  EXPECT_EQ(family.labels(), upstream.labels);
  if (upstream.bounds && upstream.type == "histogram") EXPECT_EQ(family.bounds(), *upstream.bounds);
  std::string head = "[" + upstream.stability + "] ";
  if (!upstream.deprecated.empty()) head += "(Deprecated since " + upstream.deprecated + ") ";
  EXPECT_EQ(family.help.substr(0, head.size()), head);
}

TEST_F(MetricsInventory, WhatUpstreamHasIsAsUpstreamHasIt) {
  Inventory facts = read_facts();
  facts.insert(kAlpha.begin(), kAlpha.end());
  std::size_t compared = 0;
  for (const Exposition* exposition : {shown, slis}) {
    for (const auto& [name, family] : *exposition) {
      const auto upstream = facts.find(name);
      if (upstream == facts.end()) continue;
      expect_like_upstream(family, upstream->second);
      ++compared;
    }
  }
  EXPECT_GE(compared, 50);
}

TEST_F(MetricsInventory, NoneOfUpstreamsIsMissingWithoutAReason) {
  const Inventory facts = read_facts();
  for (const auto& [name, upstream] : facts) {
    const bool is_shown = shown->contains(name) || slis->contains(name);
    const std::string* reason = absence(name);
    EXPECT_TRUE(is_shown || reason) << name << " is not shown, and nobody says why";
    EXPECT_FALSE(is_shown && reason) << name << " is shown, although " << *reason;
  }
  for (const auto& [name, upstream] : kAlpha) EXPECT_TRUE(shown->contains(name)) << name;
}

TEST_F(MetricsInventory, NamesOfOurOwnSaySo) {
  const Inventory facts = read_facts();
  for (const auto& [name, family] : *shown) {
    if (facts.contains(name) || kAlpha.contains(name)) continue;
    EXPECT_TRUE(name.starts_with("pilothouse_") || name.starts_with("process_")) << name;
  }
}

TEST_F(MetricsInventory, EveryFamilyHasHelpAndGoodNames) {
  for (const auto& [name, family] : *shown) {
    SCOPED_TRACE(name);
    EXPECT_GT(family.help.size(), 15);
    EXPECT_TRUE(family.help.ends_with('.'));
    // Upstream's own exceptions.
    if (name == "authentication_attempts" || name == "authenticated_user_requests") continue;
    EXPECT_EQ(family.type == "counter", name.ends_with("_total"));
  }
}

}  // namespace
}  // namespace ph::pilothouse
