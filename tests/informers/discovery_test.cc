// Discovery, read from a server that is a script.
#include "informers/discovery.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/informers/scripted_server.h"

namespace ph::informers {
namespace {

using testing::ElementsAre, testing::IsEmpty, testing::Pair;
using Look = Call<std::shared_ptr<const Discovery>>;

constexpr const char* kAggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

constexpr const char* kCore = R"({"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io/v2","metadata":{},"items":[
  {"metadata":{"name":"","creationTimestamp":null},"versions":[{"version":"v1","freshness":"Current","resources":[
    {"resource":"pods","responseKind":{"group":"","version":"v1","kind":"Pod"},"scope":"Namespaced","singularResource":"pod",
     "verbs":["list","watch","delete"],"subresources":[{"subresource":"status","responseKind":{"group":"","version":"v1","kind":"Pod"},"verbs":["get"]}]}]}]}]})";

// A group with two versions, of which the first has not all; and one that does not answer unless `stale` is another word.
std::string groups(const char* freshness = "Stale") {
  return fmt::format(R"({{"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io/v2","metadata":{{}},"items":[
  {{"metadata":{{"name":"shop.example.com"}},"versions":[
    {{"version":"v2","freshness":"Current","resources":[
      {{"resource":"carts","responseKind":{{"group":"","version":"","kind":"Cart"}},"scope":"Namespaced","singularResource":"cart","verbs":["delete","list"]}}]}},
    {{"version":"v1","freshness":"Current","resources":[
      {{"resource":"carts","responseKind":{{"group":"","version":"","kind":"Cart"}},"scope":"Namespaced","singularResource":"cart","verbs":["list"]}},
      {{"resource":"aisles","responseKind":{{"group":"","version":"","kind":"Aisle"}},"scope":"Cluster","singularResource":"aisle","verbs":["list"]}}]}}]}},
  {{"metadata":{{"name":"far.example.com"}},"versions":[{{"version":"v1","freshness":"{}","resources":[
      {{"resource":"ships","responseKind":{{"group":"","version":"","kind":"Ship"}},"scope":"Namespaced","singularResource":"ship","verbs":["list"]}}]}}]}}]}})",
                     freshness);
}

std::vector<std::string> told(const Discovery& discovery) {
  std::vector<std::string> out;
  for (const Discovery::Offer& offer : discovery.offers) {
    const api::Resource& resource = *offer.resource;
    std::string names;
    for (const api::GroupVersionKind& name : offer.names) names += " " + name.api_version() + "/" + name.kind;
    out.push_back(fmt::format("{}/{} {}{}", resource.kind.api_version(), resource.plural,
                              resource.namespaced ? "namespaced" : "cluster", names));
  }
  return out;
}

class DiscoveryTest : public testing::Test {
 protected:
  void answer_aggregated(const std::string& path, const std::string& body, const char* tag) {
    EXPECT_EQ(server_.expect().target, path);
    server_.answer(200, body, {{"Content-Type", kAggregated}, {"Etag", tag}});
  }
  void answer_plain(const std::string& path, const std::string& body) {
    EXPECT_EQ(server_.expect().target, path);
    server_.answer(200, body, {{"Content-Type", "application/json"}});
  }

  sim::SimExecutor executor_;
  ScriptedServer server_{executor_};
  Client client_{server_, "test"};
  Discoverer discoverer_{client_};
};

TEST_F(DiscoveryTest, PrefersTheVersionTheGroupPrefers) {
  Look look(executor_, discoverer_.look());
  EXPECT_THAT(std::string(server_.expect().headers.get("accept")), testing::StartsWith(kAggregated));
  answer_aggregated("/api", kCore, "\"A\"");
  answer_aggregated("/apis", groups(), "\"B\"");
  const Discovery& found = *look.value();
  EXPECT_THAT(told(found),
              ElementsAre("v1/pods namespaced v1/Pod", "shop.example.com/v1/aisles cluster shop.example.com/v1/Aisle",
                          "shop.example.com/v2/carts namespaced shop.example.com/v2/Cart shop.example.com/v1/Cart"));
  EXPECT_TRUE(found.offers[0].resource->has_verb("watch"));
  EXPECT_THAT(found.failures, ElementsAre(Pair("far.example.com/v1", "stale GroupVersion discovery: far.example.com/v1")));
  EXPECT_EQ(found.complaint(),
            "unable to retrieve the complete list of server APIs: far.example.com/v1: stale GroupVersion discovery: "
            "far.example.com/v1");
}

TEST_F(DiscoveryTest, WhatIsAsItWasIsNotSentAgainAndStaysTheSameObject) {
  Look first(executor_, discoverer_.look());
  answer_aggregated("/api", kCore, "\"A\"");
  answer_aggregated("/apis", groups(), "\"B\"");
  Look second(executor_, discoverer_.look());
  EXPECT_EQ(server_.expect().headers.get("if-none-match"), "\"A\"");
  server_.answer(304, {}, {{"Etag", "\"A\""}});
  EXPECT_EQ(server_.expect().headers.get("if-none-match"), "\"B\"");
  server_.answer(200, groups("Current"), {{"Content-Type", kAggregated}, {"Etag", "\"C\""}});
  const Discovery &before = *first.value(), &after = *second.value();
  EXPECT_THAT(after.failures, IsEmpty());
  EXPECT_EQ(after.complaint(), "");
  ASSERT_EQ(after.offers.size(), before.offers.size() + 1);
  EXPECT_EQ(after.offers[0].resource, before.offers[0].resource);
  EXPECT_EQ(told(after)[1], "far.example.com/v1/ships namespaced far.example.com/v1/Ship");
  EXPECT_EQ(after.offers[2].resource, before.offers[1].resource);
}

TEST_F(DiscoveryTest, AsksEachGroupWhereTheServerGathersNothing) {
  Look look(executor_, discoverer_.look());
  answer_plain("/api", R"({"kind":"APIVersions","versions":["v1"],"serverAddressByClientCIDRs":[]})");
  answer_plain("/api/v1", R"({"kind":"APIResourceList","groupVersion":"v1","resources":[
    {"name":"pods","singularName":"pod","namespaced":true,"kind":"Pod","verbs":["list","delete"]},
    {"name":"pods/status","singularName":"","namespaced":true,"kind":"Pod","verbs":["get"]}]})");
  answer_plain("/apis", R"({"kind":"APIGroupList","apiVersion":"v1","groups":[
    {"name":"shop.example.com","versions":[{"groupVersion":"shop.example.com/v1","version":"v1"},{"groupVersion":"shop.example.com/v2","version":"v2"}],
     "preferredVersion":{"groupVersion":"shop.example.com/v2","version":"v2"}},
    {"name":"far.example.com","versions":[{"groupVersion":"far.example.com/v1","version":"v1"}],
     "preferredVersion":{"groupVersion":"far.example.com/v1","version":"v1"}}]})");
  const char* carts =
      R"({"kind":"APIResourceList","groupVersion":"x","resources":[{"name":"carts","singularName":"cart","namespaced":true,"kind":"Cart","verbs":["list"]}]})";
  answer_plain("/apis/shop.example.com/v2", carts);
  answer_plain("/apis/shop.example.com/v1", carts);
  EXPECT_EQ(server_.expect().target, "/apis/far.example.com/v1");
  server_.refuse(503, "ServiceUnavailable");
  EXPECT_THAT(told(*look.value()),
              ElementsAre("v1/pods namespaced v1/Pod",
                          "shop.example.com/v2/carts namespaced shop.example.com/v2/Cart shop.example.com/v1/Cart"));
  EXPECT_THAT(look.value()->failures, ElementsAre(Pair("far.example.com/v1", "no")));
}

TEST_F(DiscoveryTest, ASilentServerOffersNotNothing) {
  Look look(executor_, discoverer_.look());
  answer_aggregated("/api", kCore, "\"A\"");
  server_.refuse(404, "NotFound");
  EXPECT_THROW(look.value(), api::ApiError);
  Look broken(executor_, discoverer_.look());
  server_.lose();
  EXPECT_THROW(broken.value(), TransportError);
}

}  // namespace
}  // namespace ph::informers
