// Lists: selectors, chunks, past moments, forms.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/apiserver/harness.h"

namespace ph::apiserver::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kMaps = "/api/v1/namespaces/default/configmaps";

void create(Harness& api, const std::string& namespace_name, const std::string& name) {
  ASSERT_EQ(api.post("/api/v1/namespaces/" + namespace_name + "/configmaps", R"({"metadata":{"name":")" + name + R"("}})").status, 201);
}

TEST(RestList, NamespacesAndEverywhere) {
  Harness api;
  create(api, "a-b", "x");
  create(api, "a", "y");
  create(api, "a", "x");
  EXPECT_THAT(api.names("/api/v1/namespaces/a/configmaps"), ElementsAre("x", "y"));
  EXPECT_THAT(api.names("/api/v1/configmaps"), ElementsAre("x", "x", "y"));
  EXPECT_THAT(api.names("/api/v1/namespaces/none/configmaps"), IsEmpty());
  const Json list = api.get("/api/v1/namespaces/a/configmaps").json();
  EXPECT_EQ(list["kind"], "ConfigMapList");
  EXPECT_FALSE(list["items"][0].contains("kind"));
  EXPECT_EQ(list["metadata"]["resourceVersion"], to_string(api.store->revision()));
}

TEST(RestList, Selectors) {
  struct Case {
    const char* name;
    const char* query;
    std::vector<std::string> names;
  };
  const Case kCases[] = {
      {"label", "labelSelector=app%3Dweb", {"a"}},
      {"absent label", "labelSelector=!app", {"c"}},
      {"set of labels", "labelSelector=app%20in%20(web,db)", {"a", "b"}},
      {"name", "fieldSelector=metadata.name%3Db", {"b"}},
      {"not a name", "fieldSelector=metadata.name!%3Db", {"a", "c"}},
      {"node", "fieldSelector=spec.nodeName%3Dn1", {"a"}},
      {"no node", "fieldSelector=spec.nodeName%3D", {"b", "c"}},
      {"the node by its old name", "fieldSelector=spec.host%3Dn1", {"a"}},
      {"phase", "fieldSelector=status.phase%3DPending", {"a", "b", "c"}},
      {"label and field", "labelSelector=app&fieldSelector=metadata.name%3Da", {"a"}},
  };
  Harness api;
  const std::string pods = "/api/v1/namespaces/default/pods";
  const std::string tail = R"("containers":[{"name":"c","image":"i"}]}})";
  api.post(pods, R"({"metadata":{"name":"a","labels":{"app":"web"}},"spec":{"nodeName":"n1",)" + tail);
  api.post(pods, R"({"metadata":{"name":"b","labels":{"app":"db"}},"spec":{)" + tail);
  api.post(pods, R"({"metadata":{"name":"c"},"spec":{)" + tail);
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(api.names(pods + "?" + c.query), c.names);
  }
  EXPECT_EQ(api.get(pods + "?fieldSelector=spec.wheels%3D4").message(), "field label not supported: spec.wheels");
  EXPECT_THAT(api.get(kMaps + "?fieldSelector=data%3D4").message(), HasSubstr("is not a known field selector"));
  EXPECT_EQ(api.get(pods + "?labelSelector=a%3D%3D%3Db").status, 400);
}

TEST(RestList, ChunksAreOfOneMoment) {
  Harness api;
  for (const char* name : {"a", "b", "c", "d", "e"}) create(api, "default", name);
  const Json first = api.get(kMaps + "?limit=2").json();
  EXPECT_EQ(first["items"].size(), 2u);
  EXPECT_EQ(first["metadata"]["remainingItemCount"], 3);
  const std::string token = first["metadata"]["continue"];
  // What happens in between is not seen.
  api.remove(kMaps + "/c");
  create(api, "default", "bb");
  const Json second = api.get(kMaps + "?limit=2&continue=" + token).json();
  EXPECT_EQ(second["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
  ASSERT_EQ(second["items"].size(), 2u);
  EXPECT_EQ(second["items"][0]["metadata"]["name"], "c");
  const Json third = api.get(kMaps + "?limit=2&continue=" + second["metadata"]["continue"].get<std::string>()).json();
  EXPECT_EQ(third["items"].size(), 1u);
  EXPECT_FALSE(third["metadata"].contains("continue"));
  EXPECT_EQ(api.get(kMaps + "?continue=nonsense").status, 400);
}

TEST(RestList, RevisionRules) {
  struct Case {
    const char* name;
    std::string query;
    int status;
    std::size_t items;
  };
  Harness api;
  create(api, "default", "a");
  const std::string at_a = to_string(api.store->revision());
  create(api, "default", "b");
  const Case kCases[] = {
      {"most recent", "", 200, 2},
      {"any", "?resourceVersion=0", 200, 2},
      {"not older than", "?resourceVersion=" + at_a, 200, 2},
      {"not older than, in words", "?resourceVersionMatch=NotOlderThan&resourceVersion=" + at_a, 200, 2},
      {"exact", "?resourceVersionMatch=Exact&resourceVersion=" + at_a, 200, 1},
      {"exact by limit", "?limit=10&resourceVersion=" + at_a, 200, 1},
      {"match without a revision", "?resourceVersionMatch=Exact", 422, 0},
      {"exact of nothing", "?resourceVersionMatch=Exact&resourceVersion=0", 422, 0},
      {"no such match", "?resourceVersionMatch=About&resourceVersion=1", 422, 0},
      {"the future", "?resourceVersion=1000000", 504, 0},
      {"not a number", "?resourceVersion=x", 422, 0},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    const Answer answer = api.get(kMaps + c.query);
    EXPECT_EQ(answer.status, c.status) << answer.body;
    if (c.status == 200) EXPECT_EQ(answer.json()["items"].size(), c.items);
  }
}

TEST(RestList, ALostMomentOffersToGoOnWithoutIt) {
  Harness api;
  for (const char* name : {"a", "b", "c"}) create(api, "default", name);
  const std::string token = api.get(kMaps + "?limit=1").json()["metadata"]["continue"];
  api.executor.advance(1h);
  for (int i = 0; i < 300; ++i) api.patch(kMaps + "/a", R"({"data":{"i":")" + std::to_string(i) + R"("}})");
  api.executor.advance(1h);
  create(api, "default", "d");
  const Answer lost = api.get(kMaps + "?limit=1&continue=" + token);
  ASSERT_EQ(lost.status, 410) << lost.body;
  EXPECT_EQ(lost.reason(), "Expired");
  const std::string fresh = lost.json()["metadata"]["continue"];
  EXPECT_THAT(api.names(kMaps + "?continue=" + fresh), ElementsAre("b", "c", "d"));
}

TEST(RestList, Forms) {
  Harness api;
  create(api, "default", "a");
  const Answer yaml = api.get(kMaps + "/a", "application/yaml");
  EXPECT_EQ(yaml.headers.get("Content-Type"), "application/yaml");
  EXPECT_THAT(yaml.body, HasSubstr("kind: ConfigMap\n"));
  const Answer protobuf = api.get(kMaps, "application/vnd.kubernetes.protobuf,application/json");
  EXPECT_EQ(protobuf.headers.get("Content-Type"), "application/vnd.kubernetes.protobuf");
  EXPECT_EQ(protobuf.body.substr(0, 4), std::string("k8s\0", 4));
  const Json metadata = api.get(kMaps, "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1").json();
  EXPECT_EQ(metadata["kind"], "PartialObjectMetadataList");
  EXPECT_EQ(metadata["items"][0]["kind"], "PartialObjectMetadata");
  EXPECT_EQ(metadata["items"][0]["metadata"]["name"], "a");
  EXPECT_FALSE(metadata["items"][0].contains("data"));
  EXPECT_THAT(api.get(kMaps + "/a?pretty=true").body, HasSubstr("{\n  \"kind\": \"ConfigMap\",\n"));
  EXPECT_EQ(api.get(kMaps, "application/json;as=Table;g=meta.k8s.io;v=v1").status, 406) << "nobody makes tables here";
  EXPECT_EQ(api.get(kMaps, "application/json;as=Table;g=meta.k8s.io;v=v1,application/json").json()["kind"], "ConfigMapList");
}

TEST(RestList, LargeBodiesAreCompressedForThoseWhoTakeIt) {
  Harness api;
  const std::string filler(20'000, 'x');
  for (int i = 0; i < 10; ++i) {
    api.post(kMaps, R"({"metadata":{"name":"m)" + std::to_string(i) + R"("},"data":{"f":")" + filler + R"("}})");
  }
  HttpRequest request = Harness::request("GET", kMaps);
  request.headers.add("Accept-Encoding", "gzip");
  const Answer answer = api.send(std::move(request));
  EXPECT_EQ(answer.headers.get("Content-Encoding"), "gzip");
  EXPECT_EQ(answer.body.substr(0, 2), "\x1f\x8b");
  EXPECT_FALSE(api.get(kMaps).headers.has("Content-Encoding"));
}

}  // namespace
}  // namespace ph::apiserver::testing
