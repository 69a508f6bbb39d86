// Custom resources by the code that serves pods: definitions judged, served and taken away; the verbs over documents.
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apiserver/discovery/groups.h"
#include "apiserver/openapi/openapi.h"
#include "tests/apiserver/harness.h"

namespace ph::apiserver::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;

constexpr const char* kDefinitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
constexpr const char* kWidgets = "/apis/rec.example.com/v1/namespaces/default/widgets";

Json definition() {
  return Json::parse(
      R"({"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"widgets.rec.example.com"},
    "spec":{"group":"rec.example.com","scope":"Namespaced",
      "names":{"plural":"widgets","singular":"widget","kind":"Widget","listKind":"WidgetList","shortNames":["wg"],"categories":["all"]},
      "versions":[
        {"name":"v1","served":true,"storage":true,"subresources":{"status":{},"scale":{"specReplicasPath":".spec.n","statusReplicasPath":".status.r","labelSelectorPath":".status.sel"}},
         "additionalPrinterColumns":[{"name":"N","type":"integer","jsonPath":".spec.n"},{"name":"Keys","type":"string","jsonPath":".spec.l[*].k"},{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}],
         "selectableFields":[{"jsonPath":".spec.s"}],
         "schema":{"openAPIV3Schema":{"type":"object","required":["spec"],"properties":{
           "spec":{"type":"object","required":["n"],"properties":{"n":{"type":"integer","minimum":0,"maximum":10},"d":{"type":"string","default":"dflt"},"s":{"type":"string"},
             "l":{"type":"array","items":{"type":"object","required":["k"],"properties":{"k":{"type":"string"},"v":{"type":"string"}}},"x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k"]},
             "any":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}},
           "status":{"type":"object","properties":{"r":{"type":"integer"},"sel":{"type":"string"}}}}}}},
        {"name":"v1beta1","served":true,"storage":false,"deprecated":true,
         "schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object","properties":{"n":{"type":"integer"},"old":{"type":"boolean","default":true}}}}}}}]}})");
}

class CustomResources : public ::testing::Test {
 protected:
  void define(const Json& what = definition()) {
    const Answer made = api.post(kDefinitions, what.dump());
    ASSERT_EQ(made.status, 201) << made.body;
    api.executor.drain();
  }
  Json condition(const std::string& name, const std::string& type) {
    for (const Json& one : api.get(std::string(kDefinitions) + "/" + name).json()["status"]["conditions"]) {
      if (one["type"] == type) return one;
    }
    return {};
  }
  Json create(const std::string& name, const std::string& spec = R"({"n":1})") {
    const Answer made = api.post(kWidgets, R"({"apiVersion":"rec.example.com/v1","kind":"Widget","metadata":{"name":")" + name +
                                               R"("},"spec":)" + spec + "}");
    EXPECT_EQ(made.status, 201) << made.body;
    return made.json();
  }

  Json document(const std::string& path) {
    Extensions extensions;
    extensions.paths.push_back(std::make_unique<OpenApiHandler>(api.server->reader()));
    api.server->install(std::move(extensions));
    return api.get(path, "application/json").json();
  }

  Harness api;
};

TEST_F(CustomResources, AreThereAtOnce) {
  EXPECT_EQ(api.get(kWidgets).status, 404);
  define();
  EXPECT_EQ(condition("widgets.rec.example.com", "NamesAccepted")["reason"], "NoConflicts");
  EXPECT_EQ(condition("widgets.rec.example.com", "Established")["status"], "True");
  const Json status = api.get(std::string(kDefinitions) + "/widgets.rec.example.com").json()["status"];
  EXPECT_EQ(status["acceptedNames"]["plural"], "widgets");
  EXPECT_EQ(status["storedVersions"], Json::array({"v1"}));
  const Answer list = api.get(kWidgets);
  ASSERT_EQ(list.status, 200) << list.body;
  EXPECT_EQ(list.json()["kind"], "WidgetList");
  EXPECT_EQ(list.json()["items"], Json::array());
}

TEST_F(CustomResources, CreateReadUpdateDelete) {
  define();
  const Json made = create("a", R"({"n":1,"bogus":5,"any":{"x":[1,null]},"l":[{"k":"a","v":"1"}]})");
  EXPECT_EQ(made["spec"], Json::parse(R"({"n":1,"d":"dflt","any":{"x":[1,null]},"l":[{"k":"a","v":"1"}]})"));
  EXPECT_EQ(made["metadata"]["generation"], 1);
  EXPECT_EQ(made["metadata"]["uid"].get<std::string>().size(), 36u);
  EXPECT_EQ(made["metadata"]["managedFields"][0]["apiVersion"], "rec.example.com/v1");
  EXPECT_TRUE(made["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"].contains("f:n"));
  const std::string path = std::string(kWidgets) + "/a";
  EXPECT_EQ(api.get(path).json(), made);

  Json changed = made;
  changed["spec"]["n"] = 2;
  changed["status"] = {{"r", 7}};
  const Answer put = api.put(path, changed.dump());
  ASSERT_EQ(put.status, 200) << put.body;
  EXPECT_EQ(put.json()["metadata"]["generation"], 2);
  EXPECT_FALSE(put.json().contains("status")) << "the status has a door of its own";
  EXPECT_EQ(api.put(path, changed.dump()).status, 409) << "a stale revision";
  changed["metadata"].erase("resourceVersion");
  EXPECT_EQ(api.put(path, changed.dump()).status, 422) << "no revision";

  EXPECT_EQ(api.remove(path).status, 200);
  EXPECT_EQ(api.get(path).status, 404);
}

TEST_F(CustomResources, TheStatusHasADoorOfItsOwn) {
  define();
  Json object = create("a");
  object["status"] = {{"r", 3}, {"sel", "a=b"}};
  object["spec"]["n"] = 9;
  object["metadata"]["labels"] = {{"x", "y"}};
  const Answer put = api.put(std::string(kWidgets) + "/a/status", object.dump());
  ASSERT_EQ(put.status, 200) << put.body;
  EXPECT_EQ(put.json()["status"], object["status"]);
  EXPECT_EQ(put.json()["spec"]["n"], 1);
  EXPECT_FALSE(put.json()["metadata"].contains("labels"));
  EXPECT_EQ(put.json()["metadata"]["generation"], 1);

  const Json scale = api.get(std::string(kWidgets) + "/a/scale").json();
  EXPECT_EQ(scale["spec"]["replicas"], 1);
  EXPECT_EQ(scale["status"], Json::parse(R"({"replicas":3,"selector":"a=b"})"));
  const Answer scaled = api.patch(std::string(kWidgets) + "/a/scale", R"({"spec":{"replicas":5}})");
  ASSERT_EQ(scaled.status, 200) << scaled.body;
  EXPECT_EQ(api.get(std::string(kWidgets) + "/a").json()["spec"]["n"], 5);
}

TEST_F(CustomResources, Patches) {
  define();
  create("a", R"({"n":1,"l":[{"k":"a"}]})");
  const std::string path = std::string(kWidgets) + "/a";
  const Answer merged = api.patch(path, R"({"spec":{"s":"x","d":null},"metadata":{"labels":{"b":"c"}}})");
  ASSERT_EQ(merged.status, 200) << merged.body;
  EXPECT_EQ(merged.json()["spec"], Json::parse(R"({"n":1,"s":"x","d":"dflt","l":[{"k":"a"}]})"));
  EXPECT_EQ(merged.json()["metadata"]["labels"]["b"], "c");
  const Answer json =
      api.patch(path, R"([{"op":"add","path":"/spec/l/-","value":{"k":"b"}},{"op":"replace","path":"/spec/n","value":4}])",
                "application/json-patch+json");
  ASSERT_EQ(json.status, 200) << json.body;
  EXPECT_EQ(json.json()["spec"]["l"], Json::parse(R"([{"k":"a"},{"k":"b"}])"));
  EXPECT_EQ(api.patch(path, "{}", "application/strategic-merge-patch+json").status, 415);
  EXPECT_EQ(api.patch(path, R"({"spec":{"n":11}})").status, 422);
}

TEST_F(CustomResources, WhatIsWrongIsToldAsUpstreamDoes) {
  define();
  const auto post = [&](const std::string& spec, const std::string& query = "") {
    return api.post(kWidgets + query,
                    R"({"apiVersion":"rec.example.com/v1","kind":"Widget","metadata":{"name":"w"},"spec":)" + spec + "}");
  };
  const Answer large = post(R"({"n":11})");
  EXPECT_EQ(large.status, 422);
  EXPECT_EQ(large.json()["details"]["causes"][0]["field"], "spec.n");
  EXPECT_THAT(large.message(), HasSubstr("spec.n in body should be less than or equal to 10"));
  EXPECT_EQ(post("{}").json()["details"]["causes"][0]["reason"], "FieldValueRequired");
  EXPECT_EQ(post(R"({"n":"one"})").json()["details"]["causes"][0]["reason"], "FieldValueTypeInvalid");
  EXPECT_EQ(post(R"({"n":1,"bogus":1})", "?fieldValidation=Strict").status, 400);
  EXPECT_THAT(post(R"({"n":1,"bogus":1})", "?fieldValidation=Strict").message(), HasSubstr("unknown field \"spec.bogus\""));
  const Answer warned = post(R"({"n":1,"bogus":1})", "?fieldValidation=Warn");
  EXPECT_EQ(warned.status, 201);
  EXPECT_THAT(std::string(warned.headers.get("Warning")), HasSubstr("unknown field \\\"spec.bogus\\\""));
  EXPECT_EQ(api.post(kWidgets, "x", "application/vnd.kubernetes.protobuf").status, 415);
}

TEST_F(CustomResources, ListsWatchesAndSelections) {
  define();
  const auto log = api.watch(std::string(kWidgets) + "?watch=1&labelSelector=x");
  create("a", R"({"n":1,"s":"red"})");
  create("b", R"({"n":2,"s":"blue"})");
  api.patch(std::string(kWidgets) + "/b", R"({"metadata":{"labels":{"x":"1"}}})");
  EXPECT_THAT(log->take(), ElementsAre("ADDED b"));
  api.patch(std::string(kWidgets) + "/b", R"({"metadata":{"labels":{"x":null}}})");
  EXPECT_THAT(log->take(), ElementsAre("DELETED b"));
  const Json blue = api.get(std::string(kWidgets) + "?fieldSelector=spec.s%3Dblue").json();
  ASSERT_EQ(blue["items"].size(), 1u);
  EXPECT_EQ(blue["items"][0]["metadata"]["name"], "b");
  EXPECT_EQ(api.get(std::string(kWidgets) + "?fieldSelector=spec.n%3D1").status, 400);
  const Json first = api.get(std::string(kWidgets) + "?limit=1").json();
  EXPECT_EQ(first["metadata"]["remainingItemCount"], 1);
  const Json everywhere = api.get("/apis/rec.example.com/v1/widgets").json();
  EXPECT_EQ(everywhere["items"].size(), 2u);
  const Json partial =
      api.get(std::string(kWidgets) + "/a", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1").json();
  EXPECT_EQ(partial["kind"], "PartialObjectMetadata");
  EXPECT_EQ(partial["metadata"]["name"], "a");
  EXPECT_FALSE(partial.contains("spec"));
  EXPECT_EQ(api.get(kWidgets, "application/vnd.kubernetes.protobuf").status, 406);
  EXPECT_EQ(api.get(kWidgets, "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1").status, 200);
}

TEST_F(CustomResources, VersionsOfOneObject) {
  define();
  create("a", R"({"n":1,"s":"x"})");
  const Answer old = api.get("/apis/rec.example.com/v1beta1/namespaces/default/widgets/a");
  ASSERT_EQ(old.status, 200) << old.body;
  EXPECT_EQ(old.json()["apiVersion"], "rec.example.com/v1beta1");
  EXPECT_EQ(old.json()["spec"], Json::parse(R"({"n":1,"old":true})"));
  EXPECT_THAT(std::string(old.headers.get("Warning")),
              HasSubstr("rec.example.com/v1beta1 Widget is deprecated; use rec.example.com/v1 Widget"));
  const Answer made =
      api.post("/apis/rec.example.com/v1beta1/namespaces/default/widgets",
               R"({"apiVersion":"rec.example.com/v1beta1","kind":"Widget","metadata":{"name":"b"},"spec":{"n":3}})");
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.json()["apiVersion"], "rec.example.com/v1beta1");
  const Json now = api.get(std::string(kWidgets) + "/b").json();
  EXPECT_EQ(now["apiVersion"], "rec.example.com/v1");
  EXPECT_EQ(now["spec"], Json::parse(R"({"n":3,"d":"dflt"})"));

  // The other version stores from now on; what is stored already is still read.
  Json changed = api.get(std::string(kDefinitions) + "/widgets.rec.example.com").json();
  changed["spec"]["versions"][0]["storage"] = false;
  changed["spec"]["versions"][1]["storage"] = true;
  const Answer put = api.put(std::string(kDefinitions) + "/widgets.rec.example.com", changed.dump());
  ASSERT_EQ(put.status, 200) << put.body;
  EXPECT_EQ(put.json()["status"]["storedVersions"], Json::array({"v1", "v1beta1"}));
  api.executor.drain();
  EXPECT_EQ(api.get(std::string(kWidgets) + "/a").json()["apiVersion"], "rec.example.com/v1");
  EXPECT_EQ(api.get("/apis/rec.example.com/v1beta1/namespaces/default/widgets/b").json()["spec"]["n"], 3);
}

TEST_F(CustomResources, AreJudgedByTheVersionTheyAreMadeIn) {
  Json strict = definition();
  strict["spec"]["versions"][1]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["n"]["maximum"] = 5;
  define(strict);
  const auto make = [&](const char* version, const char* name) {
    return api.post(
        fmt::format("/apis/rec.example.com/{}/namespaces/default/widgets", version),
        fmt::format(R"({{"apiVersion":"rec.example.com/{}","kind":"Widget","metadata":{{"name":"{}"}},"spec":{{"n":7}}}})",
                    version, name));
  };
  EXPECT_EQ(make("v1", "a").status, 201) << "what is stored allows it";
  const Answer refused = make("v1beta1", "b");
  EXPECT_EQ(refused.status, 422) << refused.body;
  EXPECT_THAT(refused.body, HasSubstr("should be less than or equal to 5"));
  EXPECT_EQ(api.get(std::string(kWidgets) + "/b").status, 404);
}

TEST_F(CustomResources, DescribeThemselves) {
  Json one = definition();
  one["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["port"] =
      Json::parse(R"({"x-kubernetes-int-or-string":true,"anyOf":[{"type":"integer"},{"type":"string"}],"nullable":true,
          "description":"Where it listens."})");
  define(one);
  const Json v3 = document("/openapi/v3/apis/rec.example.com/v1");
  const Json& widget = v3["components"]["schemas"]["com.example.rec.v1.Widget"];
  EXPECT_EQ(widget["x-kubernetes-group-version-kind"],
            Json::parse(R"([{"group":"rec.example.com","kind":"Widget","version":"v1"}])"));
  EXPECT_EQ(widget["required"], Json::array({"spec"}));
  EXPECT_EQ(widget["properties"]["metadata"]["allOf"][0]["$ref"],
            "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
  EXPECT_EQ(widget["properties"]["spec"]["properties"]["n"]["maximum"], 10);
  EXPECT_TRUE(widget["properties"]["spec"]["properties"]["port"].contains("anyOf"));
  EXPECT_EQ(widget["properties"]["spec"]["properties"]["port"]["description"], "Where it listens.");
  EXPECT_FALSE(widget.contains("description")) << "nobody wrote one";
  for (const char* built_in : {"apiVersion", "kind", "metadata"}) {
    EXPECT_NE(widget["properties"][built_in].value("description", ""), "") << built_in;
  }
  const Json& list = v3["components"]["schemas"]["com.example.rec.v1.WidgetList"];
  EXPECT_EQ(list["properties"]["items"]["items"]["$ref"], "#/components/schemas/com.example.rec.v1.Widget");
  EXPECT_EQ(list["description"], "A list of Widget objects.");
  const Json& path = v3["paths"]["/apis/rec.example.com/v1/namespaces/{namespace}/widgets/{name}/scale"];
  EXPECT_EQ(path["get"]["x-kubernetes-group-version-kind"]["kind"], "Widget");
  EXPECT_FALSE(path["patch"]["requestBody"]["content"].contains("application/strategic-merge-patch+json"));

  // What deletions take is described as of every group that upstream's clients know.
  std::set<std::string> groups;
  for (const Json& each :
       v3["components"]["schemas"]["io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"]["x-kubernetes-group-version-kind"])
    groups.insert(each["group"]);
  for (const char* known : {"", "apps", "storage.k8s.io"}) EXPECT_TRUE(groups.contains(known)) << known;
  for (const char* unknown : {"admission.k8s.io", "apiextensions.k8s.io"}) EXPECT_FALSE(groups.contains(unknown)) << unknown;

  const Json v2 = document("/openapi/v2");
  const Json& reduced = v2["definitions"]["com.example.rec.v1.Widget"]["properties"]["spec"]["properties"];
  EXPECT_EQ(reduced["port"], Json::parse(R"({"x-kubernetes-int-or-string":true,"description":"Where it listens."})"));
  EXPECT_TRUE(v2["definitions"]["com.example.rec.v1.Widget"]["properties"]["metadata"].contains("$ref"));
  EXPECT_FALSE(reduced["d"].contains("default"));
  EXPECT_FALSE(reduced["any"].contains("properties"));
}

TEST_F(CustomResources, TheirPartsFollowThemAsTheyWereDeclared) {
  define();
  const auto scheme = api.server->reader().scheme();
  std::vector<std::string> names;
  for (const auto& each : resource_list(scheme.resources(), "rec.example.com", "v1").resources()) names.push_back(each.name());
  EXPECT_EQ(names, (std::vector<std::string>{"widgets", "widgets/status", "widgets/scale"}));
}

TEST_F(CustomResources, SurviveARestart) {
  define();
  const Json made = create("a");
  api.restart();
  EXPECT_EQ(api.get(std::string(kWidgets) + "/a").json(), made);
}

TEST_F(CustomResources, NamesAreTheFirstOnes) {
  define();
  Json rival = definition();
  rival["metadata"]["name"] = "gadgets.rec.example.com";
  rival["spec"]["names"] =
      Json::parse(R"({"plural":"gadgets","singular":"gadget","kind":"Gadget","listKind":"GadgetList","shortNames":["wg"]})");
  define(rival);
  EXPECT_EQ(condition("gadgets.rec.example.com", "NamesAccepted")["reason"], "ShortNamesConflict");
  EXPECT_EQ(condition("gadgets.rec.example.com", "NamesAccepted")["message"], "\"wg\" is already in use");
  EXPECT_EQ(condition("gadgets.rec.example.com", "Established")["status"], "False");
  EXPECT_EQ(api.get("/apis/rec.example.com/v1/gadgets").status, 404);
  api.remove(std::string(kDefinitions) + "/widgets.rec.example.com");
  api.executor.advance(5s);
  EXPECT_EQ(condition("gadgets.rec.example.com", "Established")["status"], "True");
  EXPECT_EQ(api.get("/apis/rec.example.com/v1/gadgets").status, 200);
}

TEST_F(CustomResources, ADefinitionTakesItsObjectsWithIt) {
  define();
  create("a");
  const Answer held = api.post(
      kWidgets,
      R"({"apiVersion":"rec.example.com/v1","kind":"Widget","metadata":{"name":"held","finalizers":["x.example.com/y"]},"spec":{"n":1}})");
  ASSERT_EQ(held.status, 201) << held.body;
  const auto log = api.watch(std::string(kWidgets) +
                             "?watch=1&resourceVersion=" + held.json()["metadata"]["resourceVersion"].get<std::string>());
  const Answer removed = api.remove(std::string(kDefinitions) + "/widgets.rec.example.com");
  EXPECT_EQ(removed.status, 200) << removed.body;
  api.executor.advance(3s);
  EXPECT_EQ(condition("widgets.rec.example.com", "Terminating")["status"], "True");
  EXPECT_THAT(log->take(), ElementsAre("DELETED a", "MODIFIED held"));
  EXPECT_EQ(api.post(kWidgets, R"({"metadata":{"name":"late"},"spec":{"n":1}})").status, 405);
  api.patch(std::string(kWidgets) + "/held", R"({"metadata":{"finalizers":null}})");
  api.executor.advance(3s);
  EXPECT_EQ(api.get(std::string(kDefinitions) + "/widgets.rec.example.com").status, 404);
  EXPECT_EQ(api.get(kWidgets).status, 404);
  EXPECT_TRUE(log->ended);
  // And it may come again, empty.
  define();
  EXPECT_EQ(api.get(kWidgets).json()["items"], Json::array());
}

TEST(CustomResourceDefinitions, OnlyWhatIsTakenIsWarnedOf) {
  ServerOptions options = quiet_options();
  options.crd_ignore_cel = true;
  Harness api(std::move(options));
  Json rules = definition();
  Json& spec = rules["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
  spec["x-kubernetes-validations"] = Json::parse(R"([{"rule":"self.n > 0"}])");
  spec["properties"]["s"]["format"] = "odd";
  const auto warnings = [](const Answer& answer) {
    std::vector<std::string> out;
    for (const auto& [name, value] : answer.headers) {
      if (name == "Warning") out.push_back(value);
    }
    return out;
  };
  Json refused = rules;
  refused["spec"]["scope"] = "Odd";
  const Answer no = api.post(kDefinitions, refused.dump());
  EXPECT_EQ(no.status, 422);
  EXPECT_THAT(warnings(no), IsEmpty());
  const Answer made = api.post(kDefinitions, rules.dump());
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_THAT(warnings(made),
              ElementsAre(R"(299 - "unrecognized format \"odd\"")",
                          R"(299 - "the x-kubernetes-validations of version v1 are stored and not carried out")"));
}

TEST_F(CustomResources, WhatIsNotCarriedOutIsRefused) {
  Json rules = definition();
  rules["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["x-kubernetes-validations"] =
      Json::parse(R"([{"rule":"self.n > 0"}])");
  const Answer refused = api.post(kDefinitions, rules.dump());
  EXPECT_EQ(refused.status, 422);
  EXPECT_THAT(refused.message(), HasSubstr("spec.versions[0].schema.openAPIV3Schema.properties[spec].x-kubernetes-validations"));
  EXPECT_THAT(refused.message(), HasSubstr("--crd-ignore-cel"));
}

}  // namespace
}  // namespace ph::apiserver::testing
