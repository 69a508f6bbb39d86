// What a cluster counts, where a number can be told beforehand.
#include <gtest/gtest.h>

#include "tests/pilothouse/exposition.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"

namespace ph::pilothouse {
namespace {

using ph::testing::Exposition;
using ph::testing::read_exposition;
using ph::testing::ShownFamily;

using Labels = std::map<std::string, std::string>;

Exposition scrape(sim::Cluster& cluster) { return read_exposition(cluster.scrape()); }

double sum(const Exposition& shown, const std::string& name, const Labels& labels = {}, const std::string& suffix = {}) {
  const auto family = shown.find(name);
  return family == shown.end() ? 0 : family->second.sum(labels, suffix);
}

core::v1::Pod make_greedy_pod(const std::string& key) {
  core::v1::Pod pod = sim::make_pod(key);
  auto& container = *pod.mutable_spec()->mutable_containers(0);
  (*container.mutable_resources()->mutable_requests())["cpu"].set_string("1000");
  return pod;
}

core::v1::ConfigMap make_config_map(const std::string& key) {
  core::v1::ConfigMap map;
  const ObjectKey at = ObjectKey::parse(key);
  map.mutable_metadata()->set_namespace_(at.namespace_name);
  map.mutable_metadata()->set_name(at.name);
  return map;
}

Task<int> read_one(BodyStream& stream) {
  (void)co_await stream.next();
  co_return 0;
}

// -- The apiserver

TEST(ApiServerMetrics, RequestsCountByResourceVerbAndCode) {
  Metrics metrics;
  sim::Cluster cluster(sim::no_loops().counted_by(metrics));
  cluster.create(sim::make_pod("default/a", "n"));
  EXPECT_ANY_THROW(cluster.create(sim::make_pod("default/a", "n")));
  cluster.list<core::v1::Pod>("default");
  cluster.list<core::v1::Pod>();
  cluster.has<core::v1::Pod>("default/b");
  cluster.get_path("/apis/made/up/things");
  const Exposition shown = scrape(cluster);
  const auto requests = [&](const Labels& labels) { return sum(shown, "apiserver_request_total", labels); };
  EXPECT_EQ(requests({{"resource", "pods"}, {"verb", "POST"}, {"code", "201"}, {"scope", "resource"}}), 1);
  EXPECT_EQ(requests({{"resource", "pods"}, {"verb", "POST"}, {"code", "409"}}), 1);
  EXPECT_EQ(requests({{"resource", "pods"}, {"verb", "LIST"}, {"scope", "namespace"}}), 1);
  EXPECT_EQ(requests({{"resource", "pods"}, {"verb", "LIST"}, {"scope", "cluster"}}), 1);
  EXPECT_EQ(requests({{"resource", "pods"}, {"verb", "GET"}, {"code", "404"}}), 1);
  EXPECT_EQ(requests({{"resource", "things"}}), 0) << "what is not served has no series of its own";
  EXPECT_EQ(sum(shown, "apiserver_request_duration_seconds", {{"resource", "pods"}, {"verb", "POST"}}, "_count"), 2);
  EXPECT_EQ(sum(shown, "apiserver_response_sizes", {{"resource", "pods"}, {"verb", "LIST"}}, "_count"), 2);
  EXPECT_EQ(sum(shown, "apiserver_response_sizes", {{"verb", "POST"}}, "_count"), 0);
  EXPECT_EQ(sum(shown, "apiserver_storage_objects", {{"resource", "pods"}}), 1);
  EXPECT_EQ(sum(shown, "apiserver_resource_objects", {{"resource", "pods"}, {"group", ""}}), 1);
  EXPECT_EQ(sum(shown, "apiserver_current_inflight_requests", {{"request_kind", "readOnly"}}), 1);
  EXPECT_EQ(sum(shown, "apiserver_current_inflight_requests", {{"request_kind", "mutating"}}), 1);
}

TEST(ApiServerMetrics, RefusedAdmissionCounts) {
  Metrics metrics;
  sim::Cluster cluster(sim::no_loops().access().counted_by(metrics));
  const auto plugin = [&](const Exposition& shown, const char* rejected) {
    return sum(shown, "apiserver_admission_controller_admission_duration_seconds",
               {{"name", "NamespaceLifecycle"}, {"operation", "CREATE"}, {"rejected", rejected}, {"type", "admit"}}, "_count");
  };
  const Exposition before = scrape(cluster);
  EXPECT_ANY_THROW(cluster.create(make_config_map("nowhere/a")));
  cluster.create(make_config_map("default/a"));
  const Exposition after = scrape(cluster);
  EXPECT_EQ(plugin(after, "true") - plugin(before, "true"), 1);
  EXPECT_EQ(plugin(after, "false") - plugin(before, "false"), 1);
  const auto steps = [&](const char* rejected) {
    const Labels labels{{"operation", "CREATE"}, {"rejected", rejected}, {"type", "admit"}};
    return sum(after, "apiserver_admission_step_admission_duration_seconds", labels, "_count") -
           sum(before, "apiserver_admission_step_admission_duration_seconds", labels, "_count");
  };
  EXPECT_EQ(steps("true"), 1);
  EXPECT_EQ(steps("false"), 1);
}

TEST(ApiServerMetrics, AWatchIsOpenUntilItEnds) {
  Metrics metrics;
  sim::Cluster cluster(sim::no_loops().counted_by(metrics));
  const Labels nodes{{"resource", "nodes"}, {"verb", "WATCH"}};
  {
    const HttpResponse response = cluster.stream_path("/api/v1/nodes?watch=1&timeoutSeconds=60");
    ASSERT_TRUE(response.stream);
    const Exposition shown = scrape(cluster);
    EXPECT_EQ(sum(shown, "apiserver_longrunning_requests", nodes), 1);
    EXPECT_EQ(sum(shown, "apiserver_request_total", nodes), 0);
    cluster.advance(5s);
  }
  cluster.advance(1s);
  const Exposition shown = scrape(cluster);
  EXPECT_EQ(sum(shown, "apiserver_longrunning_requests", nodes), 0);
  EXPECT_EQ(sum(shown, "apiserver_request_total", nodes), 1);
  EXPECT_EQ(sum(shown, "apiserver_request_duration_seconds", nodes, "_sum"), 5);
}

TEST(ApiServerMetrics, WatchesThatBeginAndThoseThatAreTooSlow) {
  Metrics metrics;
  sim::Cluster cluster(sim::no_loops().counted_by(metrics));
  cluster.create(make_config_map("default/a"));
  cluster.create(make_config_map("default/b"));
  const std::string maps = "/api/v1/namespaces/default/configmaps?watch=1&timeoutSeconds=3000";
  const Labels labels{{"group", ""}, {"resource", "configmaps"}};
  const HttpResponse unread = cluster.stream_path(maps);
  int changes = 0;
  const auto change = [&](int times) {
    for (; times > 0; --times) {
      cluster.edit<core::v1::ConfigMap>(
          "default/a", [&](core::v1::ConfigMap& map) { (*map.mutable_data())["i"] = std::to_string(++changes); });
    }
  };
  change(150);
  Exposition shown = scrape(cluster);
  EXPECT_GT(sum(shown, "pilothouse_watch_cache_window_bytes", labels), 150 * 200);
  EXPECT_EQ(sum(shown, "pilothouse_watch_cache_backlog_bytes", labels), 0);
  EXPECT_EQ(sum(shown, "apiserver_init_events_total", labels), 0) << "it has not asked for any";
  cluster.advance(11min);
  change(1);
  EXPECT_GT(sum(scrape(cluster), "pilothouse_watch_cache_backlog_bytes", labels), 40 * 200);
  cluster.advance(61s);
  change(1);
  shown = scrape(cluster);
  EXPECT_EQ(sum(shown, "apiserver_terminated_watchers_total", labels), 1);
  EXPECT_EQ(sum(shown, "pilothouse_watch_cache_backlog_bytes", labels), 0);
  EXPECT_EQ(sum(shown, "pilothouse_watch_cache_squeezed_events_total", labels), 0) << "they had their time";

  const HttpResponse read = cluster.stream_path(maps);
  cluster.call<int>([&](informers::Client&) { return read_one(*read.stream); });
  cluster.advance(1s);
  change(1);
  EXPECT_EQ(sum(scrape(cluster), "apiserver_init_events_total", labels), 2);
}

TEST(ApiServerMetrics, HealthChecksAreShownApart) {
  Metrics metrics;
  sim::Cluster cluster(sim::no_loops().access().counted_by(metrics));
  cluster.get_path("/readyz");
  cluster.get_path("/readyz/ping");
  const HttpResponse response = cluster.get_path("/metrics/slis");
  ASSERT_EQ(response.body.size(), 1);
  const Exposition shown = read_exposition(*response.body[0]);
  EXPECT_EQ(sum(shown, "kubernetes_healthcheck", {{"name", "ping"}, {"type", "readyz"}}), 1);
  EXPECT_EQ(sum(shown, "kubernetes_healthchecks_total", {{"name", "ping"}, {"type", "readyz"}, {"status", "success"}}), 2);
  EXPECT_FALSE(scrape(cluster).contains("kubernetes_healthcheck"));
}

// -- Loops and their informers

TEST(LoopMetrics, QueuesAndReconcilesCount) {
  Metrics metrics;
  sim::Cluster cluster(sim::loops("deployment,replicaset").nodes(1).counted_by(metrics));
  const Labels queue{{"name", "deployment"}}, loop{{"name", "deployment-controller"}};
  EXPECT_EQ(sum(scrape(cluster), "workqueue_adds_total", queue), 0);
  cluster.create(sim::make_deployment("default/web").replicas(2).object());
  cluster.advance(1min);
  const Exposition shown = scrape(cluster);
  const double adds = sum(shown, "workqueue_adds_total", queue);
  EXPECT_GT(adds, 0);
  EXPECT_EQ(sum(shown, "workqueue_depth", queue), 0);
  EXPECT_EQ(sum(shown, "workqueue_queue_duration_seconds", queue, "_count"), adds);
  EXPECT_EQ(sum(shown, "workqueue_work_duration_seconds", queue, "_count"), adds);
  EXPECT_EQ(sum(shown, "workqueue_unfinished_work_seconds", queue), 0);
  EXPECT_GT(sum(shown, "pilothouse_loop_reconciles_total", loop), 0);
  EXPECT_EQ(sum(shown, "running_managed_controllers", loop), 1);
  EXPECT_GT(sum(shown, "rest_client_requests_total", {{"method", "POST"}, {"code", "201"}}), 0);
}

TEST(InformerMetrics, AWatchThatGoesOnListsNothing) {
  Metrics metrics;
  sim::Cluster cluster(sim::loops("replicaset").counted_by(metrics));
  cluster.advance(1s);
  const Labels pods{{"client", "kube-controller-manager"}, {"resource", "pods"}, {"form", "object"}};
  const Exposition first = scrape(cluster);
  EXPECT_EQ(sum(first, "pilothouse_informer_lists_total", pods), 1);
  EXPECT_EQ(sum(first, "pilothouse_informer_synced", pods), 1);
  // Watches end by themselves within ten minutes.
  cluster.advance(1h);
  const Exposition later = scrape(cluster);
  EXPECT_EQ(sum(later, "pilothouse_informer_lists_total", pods), 1);
  EXPECT_GE(sum(later, "pilothouse_informer_resumes_total", pods), 6);
  EXPECT_LE(sum(later, "pilothouse_informer_staleness_seconds", pods), 600) << "each new watch says that nothing is new";
}

TEST(InformerMetrics, ALoopThatStartsWithEmptyCachesLists) {
  Metrics metrics;
  sim::Cluster cluster(sim::loops("replicaset").counted_by(metrics));
  cluster.restart_loops();
  const Labels pods{{"client", "kube-controller-manager"}, {"resource", "pods"}, {"form", "object"}};
  EXPECT_EQ(sum(scrape(cluster), "pilothouse_informer_lists_total", pods), 2);
}

TEST(EndpointSliceMetrics, SlicesAndEndpointsFollowTheService) {
  Metrics metrics;
  sim::Cluster cluster(sim::loops("*").nodes(1).scheduler().counted_by(metrics));
  core::v1::Service web = sim::make_service("default/web");
  web.mutable_spec()->set_traffic_distribution("PreferClose");
  cluster.create(web);
  cluster.create(sim::make_deployment("default/web").replicas(3).object());
  cluster.advance(1min);
  const Exposition shown = scrape(cluster);
  EXPECT_EQ(sum(shown, "endpoint_slice_controller_num_endpoint_slices"), 1);
  EXPECT_EQ(sum(shown, "endpoint_slice_controller_desired_endpoint_slices"), 1);
  EXPECT_EQ(sum(shown, "endpoint_slice_controller_endpoints_desired"), 3);
  EXPECT_EQ(sum(shown, "endpoint_slice_controller_endpoints_added_per_sync", {}, "_sum"), 3);
  EXPECT_EQ(
      sum(shown, "endpoint_slice_controller_services_count_by_traffic_distribution", {{"traffic_distribution", "PreferClose"}}),
      1);
  cluster.remove<core::v1::Service>("default/web");
  cluster.advance(1min);
  const Exposition later = scrape(cluster);
  EXPECT_EQ(sum(later, "endpoint_slice_controller_num_endpoint_slices"), 0);
  EXPECT_EQ(sum(later, "endpoint_slice_controller_endpoints_desired"), 0);
  EXPECT_EQ(sum(later, "endpoint_slice_controller_services_count_by_traffic_distribution"), 0);
}

// -- The scheduler

TEST(SchedulerMetrics, APodThatFitsNowhereIsPending) {
  Metrics metrics;
  sim::Cluster cluster(sim::no_loops().nodes(2).scheduler().counted_by(metrics));
  cluster.create(sim::make_pod("default/fits"));
  cluster.create(make_greedy_pod("default/huge"));
  cluster.advance(10s);
  const Exposition shown = scrape(cluster);
  EXPECT_EQ(sum(shown, "scheduler_schedule_attempts_total", {{"result", "scheduled"}}), 1);
  EXPECT_EQ(sum(shown, "scheduler_schedule_attempts_total", {{"result", "unschedulable"}}), 1);
  EXPECT_EQ(sum(shown, "scheduler_schedule_attempts_total", {{"result", "error"}}), 0);
  EXPECT_EQ(sum(shown, "scheduler_pending_pods", {{"queue", "unschedulable"}}), 1);
  EXPECT_EQ(sum(shown, "scheduler_pending_pods"), 1);
  EXPECT_EQ(sum(shown, "scheduler_unschedulable_pods", {{"plugin", "NodeResourcesFit"}, {"profile", "default-scheduler"}}), 1);
  EXPECT_EQ(sum(shown, "scheduler_queue_incoming_pods_total", {{"queue", "active"}, {"event", "UnschedulablePodAdd"}}), 2);
  EXPECT_EQ(sum(shown, "scheduler_queue_incoming_pods_total", {{"queue", "unschedulable"}, {"event", "ScheduleAttemptFailure"}}),
            1);
  EXPECT_EQ(sum(shown, "scheduler_cache_size", {{"type", "nodes"}}), 2);
  EXPECT_EQ(sum(shown, "scheduler_cache_size", {{"type", "pods"}}), 1);
  EXPECT_EQ(sum(shown, "scheduler_pod_scheduling_attempts", {}, "_count"), 1);
  EXPECT_EQ(sum(shown, "scheduler_framework_extension_point_duration_seconds", {{"extension_point", "PreFilter"}}, "_count"), 2);
  EXPECT_EQ(sum(shown, "scheduler_framework_extension_point_duration_seconds",
                {{"extension_point", "Bind"}, {"status", "Success"}}, "_count"),
            1);
  EXPECT_EQ(sum(shown, "scheduler_plugin_evaluation_total", {{"plugin", "NodeResourcesFit"}, {"extension_point", "Filter"}}), 4)
      << "two pods, two nodes";

  // It goes, and takes its reason along.
  cluster.remove<core::v1::Pod>("default/huge");
  cluster.advance(1s);
  const Exposition later = scrape(cluster);
  EXPECT_EQ(sum(later, "scheduler_pending_pods"), 0);
  EXPECT_EQ(sum(later, "scheduler_unschedulable_pods"), 0);
}

// -- All of it

TEST(ClusterMetrics, CountingChangesNothing) {
  const auto day = [](Metrics* metrics) {
    sim::Setup setup = sim::everything(2).seed(3);
    if (metrics) setup.counted_by(*metrics);
    sim::Cluster cluster(setup);
    cluster.create(sim::make_deployment("default/web").replicas(3).object());
    cluster.create(make_greedy_pod("default/huge"));
    cluster.advance(10min);
    if (metrics) (void)metrics->render();
    return cluster.history_text();
  };
  Metrics metrics;
  EXPECT_EQ(day(nullptr), day(&metrics));
}

TEST(ClusterMetrics, TwoClustersCountApart) {
  Metrics one, two;
  sim::Cluster first(sim::no_loops().counted_by(one)), second(sim::no_loops().counted_by(two));
  first.create(sim::make_pod("default/a", "n"));
  const Labels posts{{"resource", "pods"}, {"verb", "POST"}};
  EXPECT_EQ(sum(scrape(first), "apiserver_request_total", posts), 1);
  EXPECT_EQ(sum(scrape(second), "apiserver_request_total", posts), 0);
}

TEST(ClusterMetrics, OneMomentIsShownTheSameWayTwice) {
  Metrics metrics;
  sim::Cluster cluster(sim::everything(1).counted_by(metrics));
  EXPECT_EQ(metrics.render(), metrics.render());
}

}  // namespace
}  // namespace ph::pilothouse
