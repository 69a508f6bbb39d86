#include "informers/pod_view.h"
#include "informers/job_pod_view.h"
#include "informers/pod_asks.h"

#include <gmock/gmock.h>

#include "api/codec.h"
#include "api/times.h"

namespace ph::informers {
namespace {

using core::v1::Pod;

Time at(int seconds) { return Time(std::chrono::seconds(seconds)); }

core::v1::PodCondition condition(std::string type, std::string status, int since) {
  core::v1::PodCondition out;
  out.set_type(std::move(type));
  out.set_status(std::move(status));
  *out.mutable_last_transition_time() = api::make_time(at(since));
  return out;
}

Pod whole_pod() {
  Pod pod;
  auto& metadata = *pod.mutable_metadata();
  metadata.set_name("web-1");
  metadata.set_namespace_("shop");
  metadata.set_uid("u1");
  metadata.set_resource_version("77");
  metadata.set_generation(3);
  *metadata.mutable_creation_timestamp() = api::make_time(at(100));
  *metadata.mutable_deletion_timestamp() = api::make_time(at(200));
  metadata.set_deletion_grace_period_seconds(30);
  (*metadata.mutable_labels())["tier"] = "front";
  (*metadata.mutable_labels())["app"] = "web";
  (*metadata.mutable_annotations())["controller.kubernetes.io/pod-deletion-cost"] = "-5";
  metadata.add_finalizers("a.b/c");
  auto& other = *metadata.add_owner_references();
  other.set_kind("Thing");
  auto& owner = *metadata.add_owner_references();
  owner.set_api_version("apps/v1");
  owner.set_kind("ReplicaSet");
  owner.set_name("web");
  owner.set_uid("u2");
  owner.set_controller(true);
  owner.set_block_owner_deletion(true);
  auto& spec = *pod.mutable_spec();
  spec.set_node_name("n1");
  spec.set_scheduler_name("default-scheduler");
  spec.set_hostname("h");
  spec.set_subdomain("s");
  auto& container = *spec.add_containers();
  auto& http = *container.add_ports();
  http.set_name("http");
  http.set_container_port(8080);
  http.set_protocol("TCP");
  auto& init = *spec.add_init_containers();
  init.add_ports()->set_container_port(1);
  auto& sidecar = *spec.add_init_containers();
  sidecar.set_restart_policy("Always");
  sidecar.add_ports()->set_container_port(9);
  sidecar.mutable_ports(0)->set_protocol("UDP");
  spec.add_volumes()->mutable_volume_source()->mutable_empty_dir();
  auto& data = *spec.add_volumes();
  data.set_name("data");
  data.mutable_volume_source()->mutable_persistent_volume_claim()->set_claim_name("shared");
  auto& scratch = *spec.add_volumes();
  scratch.set_name("scratch");
  scratch.mutable_volume_source()->mutable_ephemeral()->mutable_volume_claim_template();
  auto& status = *pod.mutable_status();
  status.set_phase("Running");
  status.set_reason("Evicted");
  status.set_pod_ip("10.0.0.1");
  status.add_pod_ips()->set_ip("10.0.0.1");
  status.add_pod_ips()->set_ip("fd00::1");
  *status.add_conditions() = condition("Ready", "True", 150);
  *status.add_conditions() = condition("PodScheduled", "True", 110);
  *status.add_conditions() = condition("DisruptionTarget", "True", 190);
  status.add_container_statuses()->set_restart_count(2);
  status.add_container_statuses()->set_restart_count(1);
  return pod;
}

TEST(PodViewTest, HoldsWhatLoopsNeed) {
  const auto view = PodView::decode(api::encode_protobuf(whole_pod()));
  EXPECT_EQ(view->key().text(), "shop/web-1");
  EXPECT_EQ(view->uid, "u1");
  EXPECT_EQ(view->revision, Revision{77});
  EXPECT_EQ(view->generation, 3);
  EXPECT_EQ(view->created, at(100));
  EXPECT_EQ(view->deletion, at(200));
  EXPECT_EQ(view->deletion_grace_seconds, 30);
  EXPECT_FALSE(view->finalizers.empty());
  EXPECT_EQ(view->deletion_cost, -5);
  ASSERT_EQ(view->labels.size(), 2u);
  EXPECT_EQ(view->labels[0].first, "app");
  EXPECT_EQ(view->label("tier"), "front");
  EXPECT_EQ(view->label("none"), std::nullopt);
  ASSERT_EQ(view->owners.size(), 2u);
  ASSERT_NE(view->controller(), nullptr);
  EXPECT_EQ(view->controller()->uid, "u2");
  EXPECT_EQ(view->controller()->api_version, "apps/v1");
  EXPECT_TRUE(view->controller()->block_deletion);
  EXPECT_EQ(view->node_name, "n1");
  EXPECT_EQ(view->scheduler_name, "default-scheduler");
  EXPECT_EQ(view->hostname, "h");
  EXPECT_EQ(view->subdomain, "s");
  ASSERT_EQ(view->ports.size(), 2u) << "an init container's ports are not the pod's, a sidecar's are";
  EXPECT_EQ(view->ports[0].first, "http");
  EXPECT_EQ(view->ports[0].second, 8080);
  EXPECT_EQ(view->ports[1].second, 9);
  EXPECT_EQ(view->port_protocols[1], "UDP");
  ASSERT_EQ(view->claims.size(), 2u);
  EXPECT_EQ(view->claims[0].name, "shared");
  EXPECT_FALSE(view->claims[0].generic_ephemeral);
  EXPECT_EQ(view->claims[1].name, "web-1-scratch");
  EXPECT_TRUE(view->claims[1].generic_ephemeral);
  EXPECT_EQ(view->phase, "Running");
  EXPECT_EQ(view->reason, "Evicted");
  EXPECT_THAT(view->pod_ips, testing::ElementsAre("10.0.0.1", "fd00::1"));
  EXPECT_TRUE(view->ready);
  EXPECT_EQ(view->ready_since, at(150));
  EXPECT_TRUE(view->scheduled);
  EXPECT_EQ(view->disrupted_since, at(190));
  EXPECT_EQ(view->restarts, 2);
}

TEST(PodViewTest, AKubeletsDisruptionIsNone) {
  Pod pod;
  *pod.mutable_status()->add_conditions() = condition("DisruptionTarget", "True", 190);
  pod.mutable_status()->mutable_conditions(0)->set_reason("TerminationByKubelet");
  EXPECT_EQ(PodView::decode(api::encode_protobuf(pod))->disrupted_since, std::nullopt);
  *pod.mutable_status()->mutable_conditions(0) = condition("DisruptionTarget", "False", 190);
  EXPECT_EQ(PodView::decode(api::encode_protobuf(pod))->disrupted_since, std::nullopt);
}

TEST(PodViewTest, TellsNotReadyFromNothingSaid) {
  Pod pod;
  EXPECT_EQ(PodView::decode(api::encode_protobuf(pod))->readiness, Said::Untold);
  EXPECT_EQ(PodView::decode(api::encode_protobuf(pod))->started, std::nullopt);
  *pod.mutable_status()->mutable_start_time() = api::make_time(at(120));
  auto& ready = *pod.mutable_status()->add_conditions();
  for (const auto& [text, said] :
       {std::pair("True", Said::True), std::pair("False", Said::False), std::pair("Unknown", Said::Unknown)}) {
    ready = condition("Ready", text, 150);
    const auto view = PodView::decode(api::encode_protobuf(pod));
    EXPECT_EQ(view->readiness, said) << text;
    EXPECT_EQ(view->ready, said == Said::True) << text;
    EXPECT_EQ(view->ready_since, at(150));
    EXPECT_EQ(view->started, at(120));
  }
}

// -- What it asks of the cluster

Pod asking_pod(const std::string& name, const char* spec) {
  Pod pod;
  pod.mutable_metadata()->set_name(name);
  api::decode_json(spec, *pod.mutable_spec());
  return pod;
}

constexpr const char* kAsking = R"({
  "containers": [{"name": "c", "image": "img:1", "env": [{"name": "A", "value": "B"}],
                  "resources": {"requests": {"cpu": "100m"}, "limits": {"memory": "1Gi"}}}],
  "initContainers": [{"name": "i", "image": "img:2", "restartPolicy": "Always", "resources": {"requests": {"cpu": "1"}}}],
  "overhead": {"cpu": "10m"}, "priorityClassName": "high", "activeDeadlineSeconds": 60,
  "volumes": [{"name": "v", "emptyDir": {}}]})";

TEST(PodAsks, HoldsAmountsPriorityAndDeadlineAndNoMore) {
  const Pod asked = asked_of(*PodView::decode(api::encode_protobuf(asking_pod("a", kAsking))));
  Pod wanted;
  api::decode_json(R"({
    "containers": [{"name": "c", "resources": {"requests": {"cpu": "100m"}, "limits": {"memory": "1Gi"}}}],
    "initContainers": [{"name": "i", "restartPolicy": "Always", "resources": {"requests": {"cpu": "1"}}}],
    "overhead": {"cpu": "10m"}, "priorityClassName": "high", "activeDeadlineSeconds": 60})",
                   *wanted.mutable_spec());
  EXPECT_EQ(api::encode_json(asked), api::encode_json(wanted));
}

TEST(PodAsks, PodsOfOneTemplateShareIt) {
  const auto a = PodView::decode(api::encode_protobuf(asking_pod("a", kAsking)));
  Pod other = asking_pod("b", kAsking);
  other.mutable_spec()->set_node_name("n1");
  other.mutable_status()->set_phase("Running");
  other.mutable_status()->add_container_statuses()->set_name("c");
  const auto b = PodView::decode(api::encode_protobuf(other));
  EXPECT_EQ(a->asks.view().data(), b->asks.view().data());
}

TEST(PodAsks, AffinityOnlyWhereATermLooksBeyondTheNamespace) {
  struct Case {
    const char* name;
    const char* affinity;
    bool held;
  };
  const Case cases[] = {
      {"within it", R"({"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "zone"}]}})", false},
      {"named", R"({"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution":
                     [{"topologyKey": "zone", "namespaces": ["other"]}]}})",
       true},
      {"selected, preferred, against", R"({"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution":
                     [{"weight": 1, "podAffinityTerm": {"topologyKey": "zone", "namespaceSelector": {}}}]}})",
       true},
      {"of nodes", R"({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{}]}}})", false},
  };
  for (const Case& c : cases) {
    Pod pod;
    api::decode_json(c.affinity, *pod.mutable_spec()->mutable_affinity());
    const Pod asked = asked_of(*PodView::decode(api::encode_protobuf(pod)));
    EXPECT_EQ(asked.spec().has_affinity(), c.held) << c.name;
  }
}

TEST(PodAsks, ClaimsToDevices) {
  Pod pod =
      asking_pod("a", R"({"containers": [{"name": "c"}], "resourceClaims": [{"name": "g", "resourceClaimTemplateName": "t"}]})");
  pod.mutable_status()->add_resource_claim_statuses()->set_name("g");
  pod.mutable_status()->mutable_extended_resource_claim_status()->set_resource_claim_name("x");
  const auto view = PodView::decode(api::encode_protobuf(pod));
  const Pod asked = asked_of(*view);
  EXPECT_EQ(asked.spec().resource_claims(0).resource_claim_template_name(), "t");
  EXPECT_EQ(asked.status().resource_claim_statuses(0).name(), "g");
  EXPECT_EQ(asked.status().extended_resource_claim_status().resource_claim_name(), "x");
  EXPECT_TRUE(asks_for_devices(*view));
  EXPECT_FALSE(asks_for_devices(*PodView::decode(api::encode_protobuf(asking_pod("b", kAsking)))));
}

TEST(PodAsks, OfAResizedPodWhatItWasGiven) {
  Pod pod = asking_pod("a", kAsking);
  auto& status = *pod.mutable_status();
  status.set_qos_class("Burstable");
  auto& container = *status.add_container_statuses();
  container.set_name("c");
  container.set_image("img:1");
  (*container.mutable_allocated_resources())["cpu"].set_string("200m");
  *status.add_conditions() = condition("PodResizePending", "True", 10);
  status.mutable_conditions(0)->set_reason("Infeasible");
  *status.add_conditions() = condition("Ready", "True", 10);
  const Pod asked = asked_of(*PodView::decode(api::encode_protobuf(pod)));
  EXPECT_EQ(asked.status().qos_class(), "Burstable");
  ASSERT_EQ(asked.status().container_statuses_size(), 1);
  EXPECT_EQ(asked.status().container_statuses(0).allocated_resources().at("cpu").string(), "200m");
  EXPECT_EQ(asked.status().container_statuses(0).image(), "");
  ASSERT_EQ(asked.status().conditions_size(), 1);
  EXPECT_EQ(asked.status().conditions(0).reason(), "Infeasible");
}

TEST(PodViewTest, KnowsTheNodeThatIsAskedForByName) {
  struct Case {
    const char* name;
    const char* spec;
    const char* node;
  };
  constexpr const char* kNamed = R"({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
      "nodeSelectorTerms": [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}]}}}})";
  const Case cases[] = {
      {"by its field", kNamed, "n1"},
      {"the first of several terms",
       R"({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
           {"matchExpressions": [{"key": "metadata.name", "operator": "In", "values": ["label"]}]},
           {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n2"]}]},
           {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n3"]}]}]}}}})",
       "n2"},
      {"not that one",
       R"({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
           {"matchFields": [{"key": "metadata.name", "operator": "NotIn", "values": ["n1"]}]}]}}}})",
       ""},
      {"only preferred",
       R"({"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference":
           {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}}]}}})",
       ""},
      {"nothing", "{}", ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Pod pod;
    api::decode_json(c.spec, *pod.mutable_spec());
    EXPECT_EQ(PodView::decode(api::encode_protobuf(pod))->named_node, c.node);
    pod.mutable_spec()->set_node_name("there");
    EXPECT_TRUE(PodView::decode(api::encode_protobuf(pod))->named_node.empty()) << "it has a node";
  }
}

TEST(PodViewTest, OfAJobItHoldsHowItEnded) {
  Pod pod = whole_pod();
  EXPECT_EQ(PodView::decode(api::encode_protobuf(pod))->job, nullptr) << "it is none of a Job's";
  pod.mutable_metadata()->mutable_owner_references(1)->set_kind("Job");
  auto& annotations = *pod.mutable_metadata()->mutable_annotations();
  annotations[kCompletionIndex] = "7";
  annotations[kIndexFailures] = "2";
  annotations[kIndexIgnoredFailures] = "x";
  auto& status = *pod.mutable_status();
  *status.mutable_conditions(0) = condition("Ready", "False", 160);
  auto& ended = *status.mutable_container_statuses(0);
  ended.set_name("c");
  ended.mutable_state()->mutable_terminated()->set_exit_code(42);
  *ended.mutable_state()->mutable_terminated()->mutable_finished_at() = api::make_time(at(155));
  ended.mutable_last_state()->mutable_terminated()->set_exit_code(1);
  status.mutable_container_statuses(1)->set_name("d");
  status.add_init_container_statuses()->set_restart_count(4);
  const auto view = PodView::decode(api::encode_protobuf(pod));
  EXPECT_FALSE(view->job_tracked);
  ASSERT_TRUE(view->job);
  EXPECT_EQ(view->job->index, 7);
  EXPECT_EQ(view->job->failures, 2);
  EXPECT_EQ(view->job->ignored_failures, 0);
  ASSERT_EQ(view->job->containers.size(), 2u);
  EXPECT_EQ(view->job->containers[0].name, "c");
  EXPECT_TRUE(view->job->containers[0].ended);
  EXPECT_EQ(view->job->containers[0].exit_code, 42);
  EXPECT_EQ(view->job->containers[0].finished, at(155));
  EXPECT_FALSE(view->job->containers[1].ended);
  EXPECT_EQ(view->job->init_containers.size(), 1u);
  EXPECT_EQ(view->job->not_ready_since, at(160));
  EXPECT_EQ(view->job->restarts, 7);
  ASSERT_EQ(view->job->conditions.size(), 3u);
  EXPECT_EQ(view->job->conditions[2].first, "DisruptionTarget");

  Pod tracked;
  *tracked.mutable_metadata()->add_finalizers() = kJobTrackingFinalizer;
  const auto orphan = PodView::decode(api::encode_protobuf(tracked));
  EXPECT_TRUE(orphan->job_tracked);
  EXPECT_TRUE(orphan->job);
  for (const char* bad : {"-1", "", "1.5", "99999999999", "1 "}) {
    annotations[kCompletionIndex] = bad;
    EXPECT_EQ(PodView::decode(api::encode_protobuf(pod))->job->index, std::nullopt) << bad;
  }
}

TEST(PodViewTest, AnEmptyPodIsEmpty) {
  const auto view = PodView::decode(api::encode_protobuf(Pod()));
  EXPECT_EQ(view->key().text(), "");
  EXPECT_EQ(view->controller(), nullptr);
  EXPECT_FALSE(view->ready);
  EXPECT_FALSE(view->deletion);
  EXPECT_TRUE(view->ports.empty());
}

TEST(PodViewTest, RefusesEveryTruncation) {
  const std::string bytes = api::encode_protobuf(whole_pod());
  int refused = 0;
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    try {
      PodView::decode(std::string_view(bytes).substr(0, length));
    } catch (const api::DecodeError&) {
      ++refused;
    }
  }
  // A cut between two of the three members leaves a valid message.
  EXPECT_GE(refused, static_cast<int>(bytes.size()) - 3);
}

TEST(PodViewTest, DeletionCostIsAPlainNumber) {
  struct Case {
    const char* text;
    int cost;
  };
  for (const Case& c : {Case{"10", 10}, Case{"-2147483648", -2147483647 - 1}, Case{"2147483648", 0}, Case{"+1", 0},
                        Case{"007", 0}, Case{"1x", 0}, Case{"", 0}, Case{"-0", 0}}) {
    SCOPED_TRACE(c.text);
    Pod pod;
    (*pod.mutable_metadata()->mutable_annotations())["controller.kubernetes.io/pod-deletion-cost"] = c.text;
    EXPECT_EQ(PodView::decode(api::encode_protobuf(pod))->deletion_cost, c.cost);
  }
}

TEST(InternedTest, KeepsOneCopyWhileSomebodyHoldsIt) {
  const std::size_t before = Interned::kept();
  {
    const Interned a("some text nobody else has"), b(std::string("some text nobody else has")), empty;
    EXPECT_EQ(a.view().data(), b.view().data());
    EXPECT_EQ(a, b);
    EXPECT_TRUE(empty.empty());
    EXPECT_EQ(Interned(""), empty);
    EXPECT_EQ(Interned::kept(), before + 1);
  }
  EXPECT_EQ(Interned::kept(), before);
}

}  // namespace
}  // namespace ph::informers
