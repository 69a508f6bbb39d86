// The loop resourcequota: what is counted, when, and that it gives nothing away that was charged.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "api/errors.h"
#include "controllers/resource_quota/plan.h"
#include "informers/pod_asks.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"
#include "tests/sim/custom.h"

namespace ph::controllers {
namespace {

using api::quota::ResourceQuota;
using core::v1::ConfigMap, core::v1::Pod, core::v1::Service;

const Time kNow(1000h);

ResourceQuota make_quota(const std::string& name, const std::map<std::string, std::string>& hard) {
  ResourceQuota out;
  out.mutable_metadata()->set_namespace_("default");
  out.mutable_metadata()->set_name(name);
  for (const auto& [resource, amount] : hard) (*out.mutable_spec()->mutable_hard())[resource].set_string(amount);
  return out;
}

std::string text(const google::protobuf::Map<std::string, meta::v1::Quantity>& amounts) {
  return api::quota::text_of(api::amounts_of(amounts));
}

Ref<PodView> view(int number, const char* cpu, const char* phase = "Running", std::optional<Time> deletion = {}) {
  Pod pod = sim::make_pod("default/p");
  (*pod.mutable_spec()->mutable_containers(0)->mutable_resources()->mutable_requests())["cpu"].set_string(cpu);
  auto out = std::make_shared<PodView>();
  out->name = fmt::format("p{}", number);
  out->phase = phase;
  out->deletion = deletion;
  if (deletion) out->deletion_grace_seconds = 30;
  out->asks = informers::asks_of(api::encode_protobuf(pod));
  return out;
}

TEST(ResourceQuotaPlan, PodsOfATemplateAreCountedTogether) {
  const ResourceQuota quota = make_quota("q", {{"pods", "9"}, {"count/pods", "99"}, {"requests.cpu", "9"}, {"secrets", "1"}});
  std::vector<Ref<PodView>> pods;
  for (int i = 0; i < 5; ++i) pods.push_back(view(i, "100m"));
  pods.push_back(view(5, "1"));
  pods.push_back(view(6, "100m", "Succeeded"));
  pods.push_back(view(7, "100m", "Running", kNow - 10s));
  pods.push_back(view(8, "100m", "Running", kNow - 31s));
  const auto tally = resource_quota::tally_pods(quota, pods, kNow);
  EXPECT_EQ(api::quota::text_of(tally.used), "count/pods=9,pods=7,requests.cpu=1600m");
}

TEST(ResourceQuotaPlan, ScopesChooseThePods) {
  ResourceQuota quota = make_quota("q", {{"pods", "9"}});
  quota.mutable_spec()->add_scopes("NotBestEffort");
  EXPECT_EQ(api::quota::text_of(resource_quota::tally_pods(quota, {view(0, "0"), view(1, "1")}, kNow).used), "pods=1");
}

TEST(ResourceQuotaPlan, TheStatus) {
  ResourceQuota quota = make_quota("q", {{"pods", "9"}, {"secrets", "5"}, {"count/moons.example.com", "1"}});
  (*quota.mutable_status()->mutable_used())["secrets"].set_string("3");
  (*quota.mutable_status()->mutable_used())["configmaps"].set_string("7");
  resource_quota::Tally pods{{"pods"}, {{"pods", api::Quantity::of(2)}}};
  auto status = resource_quota::status_of(quota, {pods});
  EXPECT_EQ(text(status.hard()), "count/moons.example.com=1,pods=9,secrets=5");
  EXPECT_EQ(text(status.used()), "pods=2,secrets=3") << "what nobody counts now stands; what is not limited goes";
  EXPECT_FALSE(resource_quota::same(quota, status));
  *quota.mutable_status() = status;
  EXPECT_TRUE(resource_quota::same(quota, status));
  EXPECT_FALSE(resource_quota::gives_back(quota, status));
  (*status.mutable_used())["pods"].set_string("1");
  EXPECT_TRUE(resource_quota::gives_back(quota, status));
  (*status.mutable_used())["pods"].set_string("2000m");
  EXPECT_TRUE(resource_quota::same(quota, status)) << "the same amount";
}

struct QuotaLoop : ::testing::Test {
  sim::Cluster cluster{sim::loops("resourcequota").access().without_admission({"ServiceAccount"})};

  std::string used(const std::string& name) { return text(cluster.get<ResourceQuota>("default/" + name).status().used()); }
  void make_map(const std::string& name) { cluster.create(sim::make_config_map("default/" + name)); }
  bool is_refused(const std::function<void()>& request) {
    try {
      request();
      return false;
    } catch (const api::ApiError& error) {
      EXPECT_EQ(error.code(), 403) << error.what();
      return true;
    }
  }
};

TEST_F(QuotaLoop, CountsWhatThereIsAndWhatGoes) {
  make_map("a");
  cluster.create(make_quota("q", {{"configmaps", "2"}, {"count/deployments.apps", "4"}, {"resourcequotas", "3"}, {"pods", "1"}}));
  cluster.advance(35s);
  EXPECT_EQ(used("q"), "configmaps=1,count/deployments.apps=0,pods=0,resourcequotas=1");
  make_map("b");
  EXPECT_EQ(used("q"), "configmaps=2,count/deployments.apps=0,pods=0,resourcequotas=1") << "charged at once";
  EXPECT_TRUE(is_refused([&] { make_map("c"); }));
  cluster.remove<ConfigMap>("default/a");
  cluster.advance(2s);
  EXPECT_EQ(used("q"), "configmaps=1,count/deployments.apps=0,pods=0,resourcequotas=1");
  make_map("c");
  cluster.create(sim::make_deployment("default/web").object());
  EXPECT_EQ(used("q"), "configmaps=2,count/deployments.apps=1,pods=0,resourcequotas=1");
}

TEST_F(QuotaLoop, APodThatEndsGivesBack) {
  cluster.create(make_quota("q", {{"pods", "1"}, {"count/pods", "9"}}));
  cluster.advance(35s);
  Pod pod = cluster.create(sim::make_pod("default/a"));
  EXPECT_TRUE(is_refused([&] { cluster.create(sim::make_pod("default/b")); }));
  pod.mutable_status()->set_phase("Succeeded");
  cluster.update_status(pod);
  cluster.advance(2s);
  EXPECT_EQ(used("q"), "count/pods=1,pods=0");
  cluster.create(sim::make_pod("default/b"));
  EXPECT_EQ(used("q"), "count/pods=2,pods=1");
}

TEST_F(QuotaLoop, CustomKinds) {
  const sim::CustomKind widgets;
  cluster.create(sim::make_definition(widgets));
  cluster.advance(1min);
  cluster.create(make_quota("q", {{"count/widgets.shop.example.com", "1"}, {"count/unheard.example.com", "1"}}));
  cluster.advance(2s);
  EXPECT_EQ(used("q"), "count/widgets.shop.example.com=0");
  sim::create_custom(cluster, widgets, sim::metadata_of("default/w"));
  EXPECT_EQ(used("q"), "count/widgets.shop.example.com=1");
  EXPECT_TRUE(is_refused([&] { sim::create_custom(cluster, widgets, sim::metadata_of("default/v")); }));
  sim::remove_custom(cluster, widgets, "default/w");
  cluster.advance(2s);
  EXPECT_EQ(used("q"), "count/widgets.shop.example.com=0");
}

TEST_F(QuotaLoop, WhatIsEditedByHandIsMendedInThePeriod) {
  cluster.create(make_quota("q", {{"secrets", "4"}}));
  cluster.advance(35s);
  ResourceQuota edited = cluster.get<ResourceQuota>("default/q");
  (*edited.mutable_status()->mutable_used())["secrets"].set_string("3");
  cluster.update_status(edited);
  cluster.advance(1min);
  EXPECT_EQ(used("q"), "secrets=3");
  cluster.advance(5min);
  EXPECT_EQ(used("q"), "secrets=0");
  cluster.edit<ResourceQuota>("default/q", [](ResourceQuota& quota) {
    quota.mutable_spec()->clear_hard();
    (*quota.mutable_spec()->mutable_hard())["configmaps"].set_string("1");
  });
  cluster.advance(2s);
  EXPECT_EQ(used("q"), "configmaps=0") << "other limits are counted at once";
}

TEST_F(QuotaLoop, ServicesThatChangeTheirType) {
  cluster.create(make_quota("q", {{"services.nodeports", "2"}}));
  cluster.advance(35s);
  Service service = sim::make_service("default/web");
  service.mutable_spec()->set_type("NodePort");
  cluster.create(service);
  EXPECT_EQ(used("q"), "services.nodeports=1");
  cluster.remove<Service>("default/web");
  cluster.advance(2s);
  EXPECT_EQ(used("q"), "services.nodeports=0");
}

}  // namespace
}  // namespace ph::controllers
