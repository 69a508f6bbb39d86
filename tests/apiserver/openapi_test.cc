#include <gtest/gtest.h>

#include "apiserver/openapi/documents.h"
#include "apiserver/openapi/gnostic.h"
#include "apiserver/openapi/operations.h"
#include "apiserver/openapi/schemas.h"
#include "tests/apiserver/standard_world.h"

namespace ph::apiserver::testing {
namespace {

using nlohmann::json;

Resources builtin() { return api::Scheme::builtin().resources(); }
const json& core() {
  static const json document = json::parse(openapi_v3(builtin(), "", "v1"));
  return document;
}
const json& schema(const std::string& name) { return core().at("components").at("schemas").at(name); }
// What is said of a value in words is told apart.
json undescribed(json value) {
  value.erase("description");
  return value;
}

TEST(OpenApiV3, Kinds) {
  const json& pod = schema("io.k8s.api.core.v1.Pod");
  EXPECT_EQ(pod["type"], "object");
  EXPECT_EQ(pod["x-kubernetes-group-version-kind"], json::parse(R"([{"group":"","kind":"Pod","version":"v1"}])"));
  EXPECT_EQ(undescribed(pod["properties"]["kind"]), json::parse(R"({"type":"string"})"));
  EXPECT_EQ(
      undescribed(pod["properties"]["metadata"]),
      json::parse(R"({"allOf":[{"$ref":"#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}],"default":{}})"));
}

TEST(OpenApiV3, Members) {
  struct Case {
    const char* schema;
    const char* member;
    const char* wanted;
  };
  const Case kCases[] = {
      {"PodSpec", "nodeName", R"({"type":"string"})"},
      {"PodSpec", "priority", R"({"type":"integer","format":"int32"})"},
      {"PodSpec", "affinity", R"({"allOf":[{"$ref":"#/components/schemas/io.k8s.api.core.v1.Affinity"}]})"},
      {"PodSpec", "nodeSelector",
       R"({"type":"object","additionalProperties":{"type":"string","default":""},"x-kubernetes-map-type":"atomic"})"},
      {"PodSpec", "containers",
       R"({"type":"array","items":{"allOf":[{"$ref":"#/components/schemas/io.k8s.api.core.v1.Container"}],"default":{}},
           "x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["name"],"x-kubernetes-patch-merge-key":"name","x-kubernetes-patch-strategy":"merge"})"},
      {"Container", "name", R"({"type":"string","default":""})"},
      {"Container", "args", R"({"type":"array","items":{"type":"string","default":""},"x-kubernetes-list-type":"atomic"})"},
      {"ContainerPort", "protocol", R"({"type":"string","default":"TCP","enum":["TCP","UDP","SCTP"]})"},
      {"Secret", "data", R"({"type":"object","additionalProperties":{"type":"string","format":"byte"}})"},
      {"ServicePort", "targetPort",
       R"({"allOf":[{"$ref":"#/components/schemas/io.k8s.apimachinery.pkg.util.intstr.IntOrString"}]})"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.member);
    json found = undescribed(schema(std::string("io.k8s.api.core.v1.") + c.schema)["properties"][c.member]);
    json wanted = json::parse(c.wanted);
    if (found.contains("enum")) {
      std::sort(found["enum"].begin(), found["enum"].end());
      std::sort(wanted["enum"].begin(), wanted["enum"].end());
    }
    EXPECT_EQ(found, wanted);
  }
  EXPECT_EQ(schema("io.k8s.api.core.v1.PodSpec")["required"], json::array({"containers"}));
  EXPECT_EQ(undescribed(schema("io.k8s.apimachinery.pkg.apis.meta.v1.Time")),
            json::parse(R"({"type":"string","format":"date-time"})"));
}

// Every type and every member says what it means. Of /version's answer only the form is told.
void check_described(const json& types, OpenApiVersion version) {
  for (const auto& [name, type] : types.items()) {
    if (name.ends_with(".version.Info")) continue;
    EXPECT_NE(type.value("description", ""), "") << name;
    for (const auto& [member, value] : type.value("properties", json::object()).items()) {
      EXPECT_NE(value.value("description", ""), "") << name << "." << member;
      if (version == OpenApiVersion::V3) EXPECT_FALSE(value.contains("$ref")) << name << "." << member << ": not heard beside it";
    }
  }
}

TEST(OpenApiV3, EverythingIsDescribed) {
  for (const api::Resource& resource : builtin()) {
    const json document = json::parse(openapi_v3(builtin(), resource.kind.group, resource.kind.version));
    check_described(document["components"]["schemas"], OpenApiVersion::V3);
  }
  const auto said = [](const char* type, const char* member) -> std::string {
    return schema(type)["properties"][member]["description"];
  };
  EXPECT_TRUE(schema("io.k8s.api.core.v1.Pod")["description"].get<std::string>().starts_with("One or more containers"));
  EXPECT_EQ(said("io.k8s.api.core.v1.Container", "image"),
            "The image to run, such as registry.example.com/app:1.2; a name without a registry means the runtime's default one.");
  EXPECT_TRUE(said("io.k8s.api.core.v1.Volume", "emptyDir").starts_with("An empty directory")) << "a member of an inline message";
  EXPECT_EQ(said("io.k8s.api.core.v1.Pod", "metadata"),
            schema("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")["description"].get<std::string>());
  EXPECT_EQ(said("io.k8s.api.core.v1.PodTemplateSpec", "metadata"), "Labels and annotations for the pods.");
}

// Everything that is referred to must be there: kubectl follows references blindly.
void check_references(const json& value, const json& document) {
  if (value.is_object()) {
    if (const auto ref = value.find("$ref"); ref != value.end() && ref->is_string()) {
      const std::string target = *ref;
      ASSERT_TRUE(target.starts_with("#/")) << target;
      EXPECT_TRUE(document.contains(json::json_pointer(target.substr(1)))) << target;
    }
  }
  if (value.is_structured()) {
    for (const json& item : value) check_references(item, document);
  }
}

TEST(OpenApi, ReferencesLeadSomewhere) {
  for (const api::Resource& resource : builtin()) {
    SCOPED_TRACE(resource.kind.api_version());
    const json document = json::parse(openapi_v3(builtin(), resource.kind.group, resource.kind.version));
    const json& schemas = document["components"]["schemas"];
    check_references(document, document);
    bool found = false;
    for (const auto& [name, made] : schemas.items()) {
      for (const json& kind : made.value("x-kubernetes-group-version-kind", json::array())) {
        found |= kind["kind"] == resource.kind.kind && kind["group"] == resource.kind.group;
      }
    }
    EXPECT_TRUE(found) << resource.kind.kind;
  }
  const json v2 = json::parse(openapi_v2(builtin()));
  check_references(v2, v2);
}

// Of an operation or a path; what stands once for all of the document is looked up there.
std::optional<json> parameter(const json& operation, const char* name, const json& document = {}) {
  for (json p : operation.value("parameters", json::array())) {
    if (p.contains("$ref")) p = document.at(json::json_pointer(p["$ref"].get<std::string>().substr(1)));
    if (p["name"] == name) return p;
  }
  return std::nullopt;
}

TEST(OpenApiV3, Paths) {
  const json& paths = core()["paths"];
  const json& patch = paths["/api/v1/namespaces/{namespace}/pods/{name}"]["patch"];
  EXPECT_EQ(patch["x-kubernetes-action"], "patch");
  EXPECT_EQ(patch["operationId"], "patchCoreV1NamespacedPod");
  EXPECT_EQ(patch["x-kubernetes-group-version-kind"], json::parse(R"({"group":"","kind":"Pod","version":"v1"})"));
  for (const char* name : {"dryRun", "fieldManager", "fieldValidation", "force"}) EXPECT_TRUE(parameter(patch, name)) << name;
  EXPECT_TRUE(patch["requestBody"]["content"].contains("application/apply-patch+yaml"));
  EXPECT_EQ(paths["/api/v1/pods"]["get"]["operationId"], "listCoreV1PodForAllNamespaces");
  EXPECT_EQ(paths["/api/v1/namespaces/{namespace}/pods"]["delete"]["x-kubernetes-action"], "deletecollection");
  EXPECT_TRUE(paths["/api/v1/namespaces/{namespace}/pods/{name}/log"].contains("get"));
  EXPECT_EQ(paths["/api/v1/namespaces/{namespace}/replicationcontrollers/{name}/scale"]["get"]["x-kubernetes-group-version-kind"]
                 ["kind"],
            "Scale");
  EXPECT_TRUE(paths.contains("/api/v1/nodes/{name}"));
}

TEST(OpenApiV3, WhatAllOperationsTakeIsThePaths) {
  struct Case {
    const char* path;
    const char* method;
    std::vector<std::string> of_path, of_operation;
  };
  const Case cases[] = {
      {"/api/v1/namespaces/{namespace}/pods/{name}/status",
       "put",
       {"name", "namespace", "pretty"},
       {"dryRun", "fieldManager", "fieldValidation"}},
      {"/api/v1/namespaces/{namespace}/bindings",
       "post",
       {"dryRun", "fieldManager", "fieldValidation", "namespace", "pretty"},
       {}},
      {"/api/v1/namespaces/{namespace}/pods/{name}/exec",
       "post",
       {"command", "container", "name", "namespace", "stderr", "stdin", "stdout", "tty"},
       {}},
      {"/api/v1/nodes/{name}/proxy/{path}", "options", {"name", "path", "path"}, {}},
      {"/api/v1/", "get", {}, {}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.path);
    const json& path = core()["paths"].at(c.path);
    const auto names = [](const json& of) {
      std::vector<std::string> out;
      for (const json& p : of.value("parameters", json::array())) out.push_back(p["name"]);
      return out;
    };
    EXPECT_EQ(names(path), c.of_path);
    EXPECT_EQ(names(path.at(c.method)), c.of_operation);
  }
}

TEST(OpenApiV3, OtherPaths) {
  const json& paths = core()["paths"];
  EXPECT_EQ(paths.at("/api/v1/watch/pods")["get"]["operationId"], "watchCoreV1PodListForAllNamespaces");
  EXPECT_EQ(paths.at("/api/v1/watch/namespaces/{namespace}/pods/{name}")["get"]["x-kubernetes-action"], "watch");
  EXPECT_EQ(paths.at("/api/v1/namespaces/{namespace}/pods/{name}/proxy/{path}")["head"]["operationId"],
            "connectCoreV1HeadNamespacedPodProxyWithPath");
  EXPECT_FALSE(paths.at("/api/v1/")["get"].contains("x-kubernetes-action"));
  EXPECT_EQ(schema("io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent")["x-kubernetes-group-version-kind"].size(), 1u);
  StandardWorld world;
  const json index = world.get("/openapi/v3").json()["paths"];
  for (const char* name : {"api", "apis", "apis/apps", "version", "openid/v1/jwks"}) {
    SCOPED_TRACE(name);
    const json document = world.get(index.at(name)["serverRelativeURL"]).json();
    ASSERT_EQ(document["paths"].size(), 1u);
    EXPECT_EQ(document["paths"].begin().key(), "/" + std::string(name) + "/");
    check_references(document, document);
  }
}

TEST(OpenApiV2, Document) {
  const json document = json::parse(openapi_v2(builtin()));
  EXPECT_EQ(document["swagger"], "2.0");
  const json& patch = document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"];
  EXPECT_EQ(patch["x-kubernetes-group-version-kind"]["kind"], "Deployment");
  EXPECT_TRUE(parameter(patch, "fieldValidation", document));
  EXPECT_EQ(parameter(patch, "body", document)->at("in"), "body");
  // Clients look for it where it is used.
  for (const json& p : patch["parameters"]) EXPECT_NE(p.value("$ref", ""), "#/parameters/dryRun");
  EXPECT_EQ(patch["parameters"][1]["name"], "dryRun");
  EXPECT_EQ(undescribed(document["definitions"]["io.k8s.api.core.v1.PodSpec"]["properties"]["affinity"]),
            json::parse(R"({"$ref":"#/definitions/io.k8s.api.core.v1.Affinity"})"));
}

TEST(OpenApiV2, EverythingIsDescribed) {
  const json types = json::parse(openapi_v2(builtin()))["definitions"];
  check_described(types, OpenApiVersion::V2);
  EXPECT_EQ(types["io.k8s.api.core.v1.PodSpec"]["properties"]["affinity"]["description"],
            schema("io.k8s.api.core.v1.PodSpec")["properties"]["affinity"]["description"]);
}

// Just enough of the wire format to look into the answer.
struct WireReader {
  std::string_view rest;
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(rest.at(0));
      rest.remove_prefix(1);
      value |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
  }
};
std::vector<std::string_view> fields(std::string_view message, unsigned number) {
  std::vector<std::string_view> out;
  WireReader reader{message};
  while (!reader.rest.empty()) {
    const std::uint64_t tag = reader.varint();
    const std::uint64_t size = reader.varint();
    if ((tag & 7) != 2) continue;
    if (tag >> 3 == number) out.push_back(reader.rest.substr(0, size));
    reader.rest.remove_prefix(size);
  }
  return out;
}
std::string_view named(const std::vector<std::string_view>& list, std::string_view name) {
  for (const std::string_view entry : list) {
    if (fields(entry, 1).at(0) == name) return fields(entry, 2).at(0);
  }
  ADD_FAILURE() << name << " not found";
  return {};
}

TEST(OpenApiV2, Protobuf) {
  const std::string bytes = gnostic_v2(openapi_v2(builtin()));
  EXPECT_EQ(fields(bytes, 1).at(0), "2.0");
  const std::string_view item = named(fields(fields(bytes, 8).at(0), 2), "/api/v1/namespaces/{namespace}/pods/{name}");
  const std::string_view patch = fields(item, 8).at(0);
  EXPECT_EQ(fields(patch, 5).at(0), "patchCoreV1NamespacedPod");
  const std::string_view kind = named(fields(patch, 13), "x-kubernetes-group-version-kind");
  EXPECT_EQ(json::parse(fields(kind, 2).at(0)), json::parse(R"({"group":"","kind":"Pod","version":"v1"})"));
  std::vector<std::string> names;  // ParametersItem → Parameter → NonBodyParameter → QueryParameterSubSchema
  for (const std::string_view parameter : fields(patch, 8)) {
    for (const std::string_view reference : fields(parameter, 2)) names.emplace_back(fields(reference, 1).at(0));
    for (const std::string_view inner : fields(parameter, 1)) {
      for (const std::string_view choice : fields(inner, 2)) names.emplace_back(fields(fields(choice, 3).at(0), 4).at(0));
    }
  }
  EXPECT_EQ(names, (std::vector<std::string>{"#/parameters/body-78PwaGsr", "dryRun", "#/parameters/fieldManager-7c6nTn1T",
                                             "fieldValidation", "#/parameters/force-tOGGb0Yi"}));
  const std::string_view shared = named(fields(fields(bytes, 10).at(0), 1), "force-tOGGb0Yi");
  EXPECT_EQ(fields(fields(fields(shared, 2).at(0), 3).at(0), 4).at(0), "force");
  const std::string_view spec = named(fields(fields(bytes, 9).at(0), 1), "io.k8s.api.core.v1.PodSpec");
  EXPECT_EQ(fields(spec, 4).at(0), "What runs in a pod, and where and how.");
  const std::string_view containers = named(fields(fields(spec, 25).at(0), 1), "containers");
  EXPECT_EQ(json::parse(fields(named(fields(containers, 31), "x-kubernetes-patch-merge-key"), 2).at(0)), "name");
  EXPECT_EQ(fields(fields(fields(containers, 23).at(0), 1).at(0), 1).at(0), "#/definitions/io.k8s.api.core.v1.Container");
  EXPECT_EQ(fields(spec, 19).at(0), "containers");
}

TEST(OpenApiHandler, Index) {
  StandardWorld world;
  const json index = world.get("/openapi/v3").json();
  const std::string url = index["paths"]["apis/apps/v1"]["serverRelativeURL"];
  EXPECT_TRUE(url.starts_with("/openapi/v3/apis/apps/v1?hash=")) << url;
  const Reply reply = world.get(url);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.headers.get("cache-control"), "public, immutable");
  EXPECT_EQ(reply.json()["openapi"], "3.0.0");
  EXPECT_EQ(world.get("/openapi/v3/apis/nonsense/v1").status, 404);

  HttpRequest again = StandardWorld::request("GET", url);
  again.headers.add("If-None-Match", std::string(reply.headers.get("etag")));
  EXPECT_EQ(world.send(std::move(again)).status, 304);
}

TEST(OpenApiHandler, Forms) {
  constexpr const char* kOld = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
  constexpr const char* kNew = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
  StandardWorld world;
  EXPECT_EQ(world.get_as("/openapi/v2", "application/json").json()["swagger"], "2.0");
  EXPECT_EQ(world.get_as("/openapi/v2", kOld).headers.get("content-type"), kNew);
  EXPECT_EQ(world.get_as("/openapi/v2", kNew).headers.get("content-type"), kNew);
  EXPECT_EQ(world.get_as("/openapi/v3", "text/html").status, 406);

  HttpRequest compressed = StandardWorld::request("GET", "/openapi/v2");
  compressed.headers.add("Accept-Encoding", "gzip");
  const Reply reply = world.send(std::move(compressed));
  EXPECT_EQ(reply.headers.get("content-encoding"), "gzip");
  EXPECT_EQ(reply.body.substr(0, 2), "\x1f\x8b");
}

}  // namespace
}  // namespace ph::apiserver::testing
