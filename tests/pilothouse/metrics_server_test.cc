// metrics.k8s.io of hollow nodes: what is answered, and that an autoscaler follows it.
#include "pilothouse/metrics_server.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "pilothouse/components.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"

namespace ph::pilothouse {
namespace {

using core::v1::Pod;
using Json = nlohmann::json;
using testing::ElementsAre, testing::IsEmpty;

Pod using_cpu(const char* key, const char* cpu, const char* app) {
  Pod pod = sim::make_pod(key, "node-0");
  (*pod.mutable_metadata()->mutable_annotations())["hollow.pilothouse.dev/cpu"] = cpu;
  (*pod.mutable_metadata()->mutable_annotations())["hollow.pilothouse.dev/memory"] = "64Mi";
  (*pod.mutable_metadata()->mutable_labels())["app"] = app;
  return pod;
}

// A cluster whose nodes the test brings itself, and their metrics in front of its server.
class MetricsServer : public testing::Test {
 protected:
  explicit MetricsServer(const sim::Setup& setup = sim::no_loops()) : cluster(setup) {
    scope_.spawn(nodes_.nodes.start());
    cluster.put_before([this](HttpRequest& request) -> std::optional<HttpResponse> {
      if (!request.path().starts_with("/apis/metrics.k8s.io/")) return std::nullopt;
      return answer_metrics(nodes_.nodes, request);
    });
    cluster.advance(1s);
  }
  Json ask(const std::string& target, int status = 200, const char* method = "GET", const char* accept = "") {
    HttpRequest request{
        .method = method, .target = "/apis/metrics.k8s.io/v1beta1" + target, .headers = {}, .body = {}, .peer = {}};
    if (*accept) request.headers.set("Accept", accept);
    const HttpResponse response = answer_metrics(nodes_.nodes, request);
    EXPECT_EQ(response.status, status) << target;
    return Json::parse(*response.body.at(0));
  }
  std::vector<std::string> names(const std::string& target) {
    std::vector<std::string> out;
    const Json list = ask(target);
    for (std::size_t i = 0; i < list["items"].size(); ++i) out.push_back(list["items"][i]["metadata"]["name"]);
    return out;
  }

  sim::Cluster cluster;

 private:
  SeededRng rng_{7};
  const Connector connector_{cluster.server(), cluster.executor()};
  NodeComponent nodes_{cluster.executor(), connector_, {.count = 2}, rng_, Log()};
  Scope scope_{cluster.executor()};
};

TEST_F(MetricsServer, TellsWhatPodsUse) {
  cluster.create(using_cpu("default/a", "250m", "web"));
  cluster.create(using_cpu("default/b", "50m", "db"));
  cluster.create(using_cpu("other/c", "1", "web"));
  cluster.advance(2s);
  const Json a = ask("/namespaces/default/pods/a");
  EXPECT_EQ(a["kind"], "PodMetrics");
  EXPECT_EQ(a["apiVersion"], "metrics.k8s.io/v1beta1");
  EXPECT_EQ(a["metadata"]["namespace"], "default");
  EXPECT_EQ(a["metadata"]["labels"]["app"], "web");
  EXPECT_EQ(a["window"], "15s");
  EXPECT_EQ(a["containers"].dump(), R"([{"name":"c","usage":{"cpu":"250000000n","memory":"65536Ki"}}])");
  EXPECT_EQ(ask("/pods")["kind"], "PodMetricsList");
  EXPECT_THAT(names("/pods"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(names("/namespaces/default/pods"), ElementsAre("a", "b"));
  EXPECT_THAT(names("/pods?labelSelector=app%3Dweb"), ElementsAre("a", "c"));
  EXPECT_THAT(names("/pods?fieldSelector=metadata.name%3Db"), ElementsAre("b"));
  EXPECT_THAT(names("/namespaces/default/pods?fieldSelector=metadata.namespace%3Dother"), IsEmpty());
  const Json node = ask("/nodes/node-0");
  EXPECT_EQ(node["kind"], "NodeMetrics");
  EXPECT_EQ(node["usage"]["cpu"], "1300000000n");
  EXPECT_EQ(node["usage"]["memory"], "196608Ki");
  EXPECT_THAT(names("/nodes"), ElementsAre("node-0", "node-1"));
  EXPECT_THAT(names("/nodes?labelSelector=kubernetes.io%2Fhostname%3Dnode-1"), ElementsAre("node-1"));
}

TEST_F(MetricsServer, RefusesWhatIsNotThere) {
  EXPECT_EQ(ask("/namespaces/default/pods/none", 404)["message"], R"(podmetrics.metrics.k8s.io "default/none" not found)");
  EXPECT_EQ(ask("/nodes/none", 404)["message"], R"(nodemetrics.metrics.k8s.io "none" not found)");
  for (const char* target : {"/services", "/namespaces/default/nodes", "/pods/a", "/namespaces/default/pods/a/status"})
    ask(target, 404);
  ask("/nodes", 405, "POST");
  ask("/nodes?watch=true", 405);
  ask("/nodes?labelSelector=%3D%3D", 400);
  ask("/pods?fieldSelector=spec.nodeName%3Da", 400);
  ask("/nodes", 406, "GET", "application/vnd.kubernetes.protobuf");
}

TEST_F(MetricsServer, OfSilentNodesNothingIsKnown) {
  cluster.create(using_cpu("default/a", "250m", "web"));
  cluster.advance(2s);
  cluster.patch<core::v1::Node>(
      "node-0", informers::Patch::merge(R"({"metadata":{"annotations":{"hollow.pilothouse.dev/problem":"silent"}}})"));
  cluster.advance(1s);
  EXPECT_THAT(names("/nodes"), ElementsAre("node-1"));
  EXPECT_THAT(names("/pods"), IsEmpty());
}

TEST(MetricsServerAddress, IsOneOfHttps) {
  for (const char* url : {"https://127.0.0.1:10250", "https://[::1]:1", "https://nodes.example.com:443"})
    EXPECT_TRUE(is_metrics_url(url)) << url;
  for (const char* url :
       {"", "http://a:1", "https://a", "https://a:0", "https://a:70000", "https://:1", "https://a:1/b", "https://a/b:1"})
    EXPECT_FALSE(is_metrics_url(url)) << url;
}

// The load of a whole application goes up and down; its pods share it.
class Autoscaled : public MetricsServer {
 protected:
  Autoscaled() : MetricsServer(sim::loops("horizontalpodautoscaling,deployment,replicaset").scheduler()) {}
};

TEST_F(Autoscaled, ReplicasFollowASine) {
  apps::v1::Deployment web = sim::make_deployment("default/web").replicas(4);
  auto& pod = *web.mutable_spec()->mutable_template_();
  (*pod.mutable_metadata()->mutable_annotations())["hollow.pilothouse.dev/cpu"] = "total sine(200m, 1, 40m)";
  (*pod.mutable_spec()->mutable_containers(0)->mutable_resources()->mutable_requests())["cpu"].set_string("100m");
  cluster.create(web);
  autoscaling::v2::HorizontalPodAutoscaler scaler;
  scaler.mutable_metadata()->set_namespace_("default");
  scaler.mutable_metadata()->set_name("h");
  auto& spec = *scaler.mutable_spec();
  spec.mutable_scale_target_ref()->set_api_version("apps/v1");
  spec.mutable_scale_target_ref()->set_kind("Deployment");
  spec.mutable_scale_target_ref()->set_name("web");
  spec.set_min_replicas(1);
  spec.set_max_replicas(20);
  auto& metric = *spec.add_metrics();
  metric.set_type("Resource");
  metric.mutable_resource()->set_name("cpu");
  metric.mutable_resource()->mutable_target()->set_type("Utilization");
  metric.mutable_resource()->mutable_target()->set_average_utilization(100);
  cluster.create(scaler);
  cluster.advance(5min);
  // Each pod is to use 100m: between 2 and 10 of them are wanted.
  int least = 100, most = 0;
  for (int minute = 0; minute < 80; ++minute) {
    cluster.advance(1min);
    const int replicas = cluster.get<apps::v1::Deployment>("default/web").spec().replicas();
    least = std::min(least, replicas);
    most = std::max(most, replicas);
  }
  EXPECT_GE(most, 9);
  EXPECT_LE(most, 11);
  EXPECT_LE(least, 4) << "for five minutes it remembers more";
  EXPECT_GE(least, 2);
}

}  // namespace
}  // namespace ph::pilothouse
