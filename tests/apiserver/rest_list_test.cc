// Lists: selectors, chunks, past moments, forms.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "api/codec.h"
#include "api/kinds.h"
#include "tests/apiserver/harness.h"

namespace ph::apiserver::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kMaps = "/api/v1/namespaces/default/configmaps";

void create(Harness& api, const std::string& namespace_name, const std::string& name) {
  ASSERT_EQ(api.post("/api/v1/namespaces/" + namespace_name + "/configmaps", R"({"metadata":{"name":")" + name + R"("}})").status,
            201);
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
  const std::string classes = "/apis/scheduling.k8s.io/v1/priorityclasses";
  EXPECT_EQ(api.get(classes + "?fieldSelector=metadata.namespace%3Dx").status, 200) << "in none, and none is found";
  EXPECT_EQ(api.get(pods + "?labelSelector=a%3D%3D%3Db").status, 400);
}

TEST(RestList, WhatOptionsMean) {
  struct Case {
    const char* query;
    int status;
    const char* message;
  };
  const Case kCases[] = {
      {"resourceVersion=0&limit=1", 200, ""},
      {"resourceVersion=abc", 400,
       "invalid resource version: resourceVersion: Invalid value: \"abc\": strconv.ParseUint: parsing \"abc\": "
       "invalid syntax"},
      {"resourceVersion=18446744073709551616", 400, "value out of range"},
      {"resourceVersion=abc&continue=bad", 400,
       "invalid continue token: continue key is not valid: invalid character 'm' looking for "
       "beginning of value"},
      {"resourceVersion=abc&resourceVersionMatch=Exact&continue=bad", 422,
       "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when "
       "continue is provided"},
      {"resourceVersion=abc&resourceVersionMatch=Bogus", 422, "supported values: \"Exact\", \"NotOlderThan\", \"\""},
      {"watch=1&resourceVersion=abc", 500,
       "resourceVersion: Invalid value: \"abc\": strconv.ParseUint: parsing \"abc\": invalid syntax"},
      {"watch=1&continue=bad", 422, "resourceVersionMatch is forbidden when continue is provided"},
      {"watch=1&resourceVersion=0&resourceVersionMatch=Exact", 422, "supported values: \"NotOlderThan\"]"},
  };
  Harness api;
  for (const char* name : {"a", "b"}) create(api, "default", name);
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.query);
    const Answer answer = api.get(std::string(kMaps) + "?" + c.query);
    EXPECT_EQ(answer.status, c.status) << answer.body;
    if (c.status != 200) EXPECT_THAT(answer.message(), HasSubstr(c.message));
  }
  EXPECT_THAT(api.names(std::string(kMaps) + "?resourceVersion=0&limit=1"), ElementsAre("a", "b"))
      << "the cache answers with all it has";
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

// Events and leases have hardly a window: who reads them in chunks needs none, but must not take too long.
TEST(RestList, ChunksOfWhatChangesAllTheTime) {
  ServerOptions options = quiet_options();
  options.cache.bytes_min = 1;
  Harness api(options);
  const std::string leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
  const auto make = [&](const std::string& name) {
    ASSERT_EQ(api.post(leases, R"({"metadata":{"name":")" + name + R"("}})").status, 201);
  };
  for (const char* name : {"a", "b", "c", "d"}) make(name);
  const auto next = [&](const Json& page) {
    return api.get(leases + "?limit=1&continue=" + page["metadata"]["continue"].get<std::string>());
  };
  Json page = api.get(leases + "?limit=1").json();
  for (const char* wanted : {"b", "c"}) {
    for (int i = 0; i < 10; ++i) make(std::string(wanted) + std::to_string(i));
    api.executor.advance(59s);
    make(std::string(wanted) + "x");
    const Answer answer = next(page);
    ASSERT_EQ(answer.status, 200) << answer.body;
    page = answer.json();
    EXPECT_EQ(page["items"][0]["metadata"]["name"], wanted);
  }
  api.executor.advance(61s);
  make("y");
  EXPECT_EQ(next(page).status, 410);
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
      {"not a number", "?resourceVersion=x", 400, 0},
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

// A long list is made in pieces, in whatever form.
struct InPieces {
  std::vector<SharedBytes> pieces;
  std::string body;
};
Task<void> read_pieces(ApiServer* server, HttpRequest request, InPieces* out) {
  HttpResponse response = co_await server->handle(std::move(request));
  while (const SharedBytes piece = response.next_piece ? response.next_piece() : nullptr) {
    out->pieces.push_back(piece);
    out->body += *piece;
  }
}

TEST(RestList, LongBodiesAreMadeInPieces) {
  Harness api;
  constexpr int kCount = 40;
  const std::string filler(5'000, 'x');
  std::string names;
  for (int i = 0; i < kCount; ++i) {
    const std::string name = fmt::format("m{:02}", i);
    api.post(kMaps,
             R"({"metadata":{"name":")" + name + R"(","annotations":{"a":"[{\"x\":\"}]"}},"data":{"f":")" + filler + R"("}})");
    names += name;
  }
  Scope scope(api.executor);
  const auto read = [&](const std::string& query, const std::string& accept) {
    InPieces out;
    scope.spawn(read_pieces(api.server.get(), Harness::request("GET", kMaps + query, {}, {}, accept), &out));
    api.executor.drain();
    return out;
  };
  const InPieces compact = read("", "application/json");
  EXPECT_GT(compact.pieces.size(), 4u);
  for (const SharedBytes& piece : compact.pieces) EXPECT_LT(piece->size(), 50'000u);
  const Json list = Json::parse(compact.body);
  std::string found;
  for (const Json& item : list["items"]) found += item["metadata"]["name"];
  EXPECT_EQ(found, names);

  const InPieces pretty = read("?pretty=1", "application/json");
  EXPECT_GT(pretty.pieces.size(), 4u);
  EXPECT_EQ(Json::parse(pretty.body), list);
  EXPECT_EQ(pretty.body, nlohmann::ordered_json::parse(compact.body).dump(2) + "\n");

  const InPieces protobuf = read("", "application/vnd.kubernetes.protobuf");
  EXPECT_GT(protobuf.pieces.size(), 4u);
  core::v1::ConfigMapList maps;
  api::decode_envelope(protobuf.body, maps);
  ASSERT_EQ(maps.items_size(), kCount);
  EXPECT_EQ(maps.items(7).metadata().name(), "m07");
  EXPECT_EQ(maps.metadata().resource_version(), list["metadata"]["resourceVersion"].get<std::string>());

  const std::string partial = ";as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
  meta::v1::PartialObjectMetadataList metadata;
  // Its objects decide that it is made in pieces, though it has only one.
  api::decode_envelope(read("", "application/vnd.kubernetes.protobuf" + partial).body, metadata);
  ASSERT_EQ(metadata.items_size(), kCount);
  EXPECT_EQ(metadata.items(39).metadata().name(), "m39");
  EXPECT_EQ(Json::parse(read("", "application/json" + partial).body)["items"].size(), std::size_t{kCount});
}

TEST(RestList, ALongSearchLetsOthersHaveTheirTurn) {
  Harness api;
  for (int i = 0; i < 1'200; ++i) create(api, "default", "m" + std::to_string(i));
  std::vector<std::string> answered;
  const auto ask = [](ApiServer* server, HttpRequest request, std::string name, std::vector<std::string>* out) -> Task<void> {
    co_await server->handle(std::move(request));
    out->push_back(name);
  };
  Scope scope(api.executor);
  scope.spawn(ask(api.server.get(), Harness::request("GET", kMaps + "?labelSelector=a"), "search", &answered));
  scope.spawn(ask(api.server.get(), Harness::request("GET", kMaps + "/m1"), "get", &answered));
  api.executor.drain();
  EXPECT_THAT(answered, ElementsAre("get", "search"));
}

}  // namespace
}  // namespace ph::apiserver::testing
