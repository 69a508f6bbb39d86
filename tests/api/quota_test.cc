// What pods ask for in all, and what quotas count.
#include "api/quota/quota.h"

#include <gtest/gtest.h>

#include "api/kinds.h"
#include "api/pod_resources.h"
#include "api/times.h"

namespace ph::api {
namespace {

using core::v1::Container, core::v1::Pod, quota::ResourceQuota;

const Time kNow(1000h);

// "cpu=1,memory=2Gi" into a resource list.
void fill(google::protobuf::Map<std::string, meta::v1::Quantity>* out, std::string_view text) {
  while (!text.empty()) {
    const auto end = std::min(text.find(','), text.size()), equals = text.find('=');
    (*out)[std::string(text.substr(0, equals))].set_string(std::string(text.substr(equals + 1, end - equals - 1)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

Container& add_container(Pod& pod, const char* name, std::string_view requests, std::string_view limits = {}) {
  Container& out = *pod.mutable_spec()->add_containers();
  out.set_name(name);
  fill(out.mutable_resources()->mutable_requests(), requests);
  fill(out.mutable_resources()->mutable_limits(), limits);
  return out;
}
void add_init(Pod& pod, const char* name, std::string_view requests, bool sidecar = false) {
  Container container = add_container(pod, name, requests);
  pod.mutable_spec()->mutable_containers()->RemoveLast();
  if (sidecar) container.set_restart_policy("Always");
  *pod.mutable_spec()->add_init_containers() = container;
}

TEST(PodResources, WhatAPodAsksForInAll) {
  struct Case {
    const char* name;
    void (*make)(Pod&);
    const char *requests, *limits;
  };
  const Case cases[] = {
      {"nothing", [](Pod& pod) { add_container(pod, "a", ""); }, "", ""},
      {"the sum of containers",
       [](Pod& pod) {
         add_container(pod, "a", "cpu=100m", "cpu=1");
         add_container(pod, "b", "cpu=200m,memory=1Gi", "cpu=2");
       },
       "cpu=300m,memory=1Gi", "cpu=3"},
      {"the largest init container",
       [](Pod& pod) {
         add_container(pod, "a", "cpu=100m");
         add_init(pod, "i", "cpu=700m");
         add_init(pod, "j", "cpu=200m");
       },
       "cpu=700m", ""},
      {"init containers run beside the sidecars before them",
       [](Pod& pod) {
         add_container(pod, "a", "cpu=100m");
         add_init(pod, "i", "cpu=700m");
         add_init(pod, "s", "cpu=50m", true);
         add_init(pod, "j", "cpu=690m");
       },
       "cpu=740m", ""},
      {"overhead comes on top, of limits where there are any",
       [](Pod& pod) {
         add_container(pod, "a", "cpu=100m", "memory=1Gi");
         fill(pod.mutable_spec()->mutable_overhead(), "cpu=10m,memory=1Gi");
       },
       "cpu=110m,memory=1Gi", "memory=2Gi"},
      {"the whole pod's in place of the sums",
       [](Pod& pod) {
         add_container(pod, "a", "cpu=100m,example.com/gpu=1");
         fill(pod.mutable_spec()->mutable_resources()->mutable_requests(), "cpu=1");
       },
       "cpu=1,example.com/gpu=1", ""},
      {"while it is resized, the most of what is asked, given and used",
       [](Pod& pod) {
         add_container(pod, "a", "cpu=100m", "cpu=200m");
         auto& status = *pod.mutable_status()->add_container_statuses();
         status.set_name("a");
         fill(status.mutable_allocated_resources(), "cpu=300m");
         fill(status.mutable_resources()->mutable_requests(), "cpu=250m");
         fill(status.mutable_resources()->mutable_limits(), "cpu=400m");
       },
       "cpu=300m", "cpu=400m"},
      {"a resize that cannot be is none",
       [](Pod& pod) {
         add_container(pod, "a", "cpu=900m");
         auto& status = *pod.mutable_status()->add_container_statuses();
         status.set_name("a");
         fill(status.mutable_resources()->mutable_requests(), "cpu=250m");
         pod.mutable_status()->add_conditions()->set_type("PodResizePending");
         pod.mutable_status()->mutable_conditions(0)->set_reason("Infeasible");
       },
       "cpu=250m", ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Pod pod;
    c.make(pod);
    EXPECT_EQ(quota::text_of(pod_requests(pod)), c.requests);
    EXPECT_EQ(quota::text_of(pod_limits(pod)), c.limits);
  }
}

TEST(Quota, WhatIsCountedOfWhat) {
  struct Case {
    const char *group, *plural, *name;
    bool counts;
  };
  const Case cases[] = {
      {"", "pods", "pods", true},
      {"", "pods", "count/pods", true},
      {"", "pods", "limits.memory", true},
      {"", "pods", "requests.example.com/gpu", true},
      {"", "pods", "example.com/gpu", false},
      {"", "pods", "requests.hugepages-2Mi", true},
      {"", "pods", "requests.storage", false},
      {"", "pods", "gold.storageclass.storage.k8s.io/requests.storage", false},
      {"", "services", "services.nodeports", true},
      {"", "services", "services", true},
      {"", "persistentvolumeclaims", "gold.storageclass.storage.k8s.io/requests.storage", true},
      {"", "persistentvolumeclaims", "gold.storageclass.storage.k8s.io/pods", false},
      {"", "persistentvolumeclaims", "requests.storage", true},
      {"resource.k8s.io", "resourceclaims", "fpga.deviceclass.resource.k8s.io/devices", true},
      {"", "configmaps", "configmaps", true},
      {"apps", "deployments", "count/deployments.apps", true},
      {"apps", "deployments", "deployments", false},
      {"example.com", "widgets", "count/widgets.example.com", true},
      {"example.com", "widgets", "count/widgets", false},
  };
  for (const Case& c : cases) EXPECT_EQ(quota::counted(c.group, c.plural)->counts(c.name), c.counts) << c.plural << " " << c.name;
}

TEST(Quota, WhatAnObjectUses) {
  Pod pod;
  add_container(pod, "a", "cpu=100m,memory=64Mi,ephemeral-storage=1Gi,hugepages-2Mi=4Mi,example.com/gpu=2", "cpu=200m");
  const auto pods = quota::counted("", "pods");
  EXPECT_EQ(quota::text_of(pods->usage(pod, kNow)),
            "count/pods=1,cpu=100m,ephemeral-storage=1Gi,hugepages-2Mi=4Mi,limits.cpu=200m,memory=64Mi,pods=1,requests.cpu=100m,"
            "requests.ephemeral-storage=1Gi,requests.example.com/gpu=2,requests.hugepages-2Mi=4Mi,requests.memory=64Mi");
  pod.mutable_status()->set_phase("Succeeded");
  EXPECT_EQ(quota::text_of(pods->usage(pod, kNow)), "count/pods=1");
  pod.mutable_status()->set_phase("Running");
  set_time(pod.mutable_metadata()->mutable_deletion_timestamp(), kNow - 29s);
  pod.mutable_metadata()->set_deletion_grace_period_seconds(30);
  EXPECT_EQ(pods->usage(pod, kNow).contains("pods"), true) << "it is given its grace twice";
  EXPECT_EQ(pods->usage(pod, kNow + 2s).contains("pods"), false) << "it should have gone";

  core::v1::Service service;
  service.mutable_spec()->set_type("NodePort");
  service.mutable_spec()->add_ports();
  service.mutable_spec()->add_ports()->set_node_port(30000);
  const auto services = quota::counted("", "services");
  EXPECT_EQ(quota::text_of(services->usage(service, kNow)),
            "count/services=1,services=1,services.loadbalancers=0,services.nodeports=2");
  service.mutable_spec()->set_type("LoadBalancer");
  service.mutable_spec()->set_allocate_load_balancer_node_ports(false);
  EXPECT_EQ(quota::text_of(services->usage(service, kNow)),
            "count/services=1,services=1,services.loadbalancers=1,services.nodeports=1");

  core::v1::PersistentVolumeClaim claim;
  claim.mutable_spec()->set_storage_class_name("gold");
  fill(claim.mutable_spec()->mutable_resources()->mutable_requests(), "storage=3Gi");
  const auto claims = quota::counted("", "persistentvolumeclaims");
  EXPECT_EQ(quota::text_of(claims->usage(claim, kNow)),
            "count/persistentvolumeclaims=1,gold.storageclass.storage.k8s.io/persistentvolumeclaims=1,"
            "gold.storageclass.storage.k8s.io/requests.storage=3Gi,persistentvolumeclaims=1,requests.storage=3Gi");
  fill(claim.mutable_status()->mutable_allocated_resources(), "storage=5Gi");
  EXPECT_EQ(claims->usage(claim, kNow).at("requests.storage").text(), "5Gi") << "what it was given already";

  resources::v1::ResourceClaim devices;
  auto& exact = *devices.mutable_spec()->mutable_devices()->add_requests()->mutable_exactly();
  exact.set_device_class_name("fpga");
  exact.set_allocation_mode("ExactCount");
  exact.set_count(2);
  auto& either = *devices.mutable_spec()->mutable_devices()->add_requests();
  for (const int count : {3, 1}) {
    auto& one = *either.add_first_available();
    one.set_device_class_name("fpga");
    one.set_allocation_mode("ExactCount");
    one.set_count(count);
  }
  EXPECT_EQ(quota::text_of(quota::counted("resource.k8s.io", "resourceclaims")->usage(devices, kNow)),
            "count/resourceclaims.resource.k8s.io=1,fpga.deviceclass.resource.k8s.io/devices=5");
}

TEST(Quota, Scopes) {
  Pod plain, ending, asking, ranked, beyond;
  for (Pod* pod : {&plain, &ending, &ranked, &beyond}) add_container(*pod, "a", "");
  add_container(asking, "a", "memory=1Gi");
  ending.mutable_spec()->set_active_deadline_seconds(100);
  ranked.mutable_spec()->set_priority_class_name("high");
  beyond.mutable_spec()
      ->mutable_affinity()
      ->mutable_pod_anti_affinity()
      ->add_preferred_during_scheduling_ignored_during_execution()
      ->mutable_pod_affinity_term()
      ->add_namespaces("other");
  const auto in = [](const Pod& pod, const char* scope, const char* op = "Exists", std::vector<std::string> values = {}) {
    ResourceQuota quota;
    auto& one = *quota.mutable_spec()->mutable_scope_selector()->add_match_expressions();
    one.set_scope_name(scope);
    one.set_operator_(op);
    for (std::string& value : values) one.add_values(std::move(value));
    return quota::is_in_scopes(quota, *quota::counted("", "pods"), pod);
  };
  EXPECT_TRUE(in(ending, "Terminating"));
  EXPECT_FALSE(in(plain, "Terminating"));
  EXPECT_TRUE(in(plain, "NotTerminating"));
  EXPECT_TRUE(in(plain, "BestEffort"));
  EXPECT_FALSE(in(asking, "BestEffort"));
  EXPECT_TRUE(in(asking, "NotBestEffort"));
  EXPECT_TRUE(in(ranked, "PriorityClass"));
  EXPECT_FALSE(in(plain, "PriorityClass"));
  EXPECT_TRUE(in(ranked, "PriorityClass", "In", {"low", "high"}));
  EXPECT_FALSE(in(plain, "PriorityClass", "In", {"high"}));
  EXPECT_TRUE(in(plain, "PriorityClass", "NotIn", {"high"}));
  EXPECT_TRUE(in(plain, "PriorityClass", "DoesNotExist"));
  EXPECT_TRUE(in(beyond, "CrossNamespacePodAffinity"));
  EXPECT_FALSE(in(plain, "CrossNamespacePodAffinity"));
  EXPECT_FALSE(in(plain, "Unheard"));

  ResourceQuota scoped;
  scoped.mutable_spec()->add_scopes("BestEffort");
  EXPECT_FALSE(quota::is_in_scopes(scoped, *quota::counted("", "configmaps"), core::v1::ConfigMap())) << "what knows no scopes";
}

TEST(Quota, WhatContainersHaveToName) {
  Pod pod;
  add_container(pod, "b", "cpu=1");
  add_container(pod, "a", "", "memory=1Gi");
  const auto pods = quota::counted("", "pods");
  EXPECT_EQ(pods->missing(pod, {"limits.memory", "pods", "requests.cpu"}),
            "must specify limits.memory for: b; requests.cpu for: a");
  EXPECT_EQ(pods->missing(pod, {"pods", "requests.example.com/gpu"}), "");
  fill(pod.mutable_spec()->mutable_resources()->mutable_requests(), "cpu=1");
  EXPECT_EQ(pods->missing(pod, {"limits.memory"}), "") << "the pod asks as a whole";
}

TEST(Quota, Charges) {
  ResourceQuota quota;
  quota.mutable_metadata()->set_name("q");
  fill(quota.mutable_status()->mutable_hard(), "pods=3,requests.cpu=1,memory=1Gi");
  fill(quota.mutable_status()->mutable_used(), "pods=2,requests.cpu=400m,memory=512Mi");
  const auto amounts = [](std::string_view text) {
    google::protobuf::Map<std::string, meta::v1::Quantity> map;
    fill(&map, text);
    return amounts_of(map);
  };
  const quota::Charge fits = quota::charge(quota, amounts("pods=1,requests.cpu=600m,limits.cpu=7"));
  EXPECT_EQ(fits.refusal, "");
  EXPECT_TRUE(fits.changes);
  EXPECT_EQ(quota::text_of(fits.used), "memory=512Mi,pods=3,requests.cpu=1");
  EXPECT_EQ(quota::charge(quota, amounts("requests.cpu=900m,memory=600Mi,pods=1")).refusal,
            "exceeded quota: q, requested: memory=600Mi,requests.cpu=900m, used: memory=512Mi,requests.cpu=400m, "
            "limited: memory=1Gi,requests.cpu=1");
  EXPECT_FALSE(quota::charge(quota, amounts("limits.cpu=7")).changes);
}

}  // namespace
}  // namespace ph::api
