// Strategic merge patches as kubectl apply, edit, set and rollout send them.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "api/kinds.h"
#include "api/patch/patch.h"

namespace ph::api {
namespace {

using Json = nlohmann::json;

struct Case {
  const char* name;
  const Schema& schema;
  const char* document;
  const char* patch;
  const char* result;  // empty: fails
  const char* error = "";
};

const Schema& pod() { return schema_of<core::v1::Pod>(); }
const Schema& deployment() { return schema_of<apps::v1::Deployment>(); }
const Schema& service() { return schema_of<core::v1::Service>(); }

TEST(StrategicMerge, Cases) {
  const Case cases[] = {
      {"set image: the container is found by its name", deployment(),
       R"({"spec":{"template":{"spec":{"containers":[{"name":"a","image":"a:1"},{"name":"b","image":"b:1"}]}}}})",
       R"({"spec":{"template":{"spec":{"$setElementOrder/containers":[{"name":"a"},{"name":"b"}],"containers":[{"name":"b","image":"b:2"}]}}}})",
       R"({"spec":{"template":{"spec":{"containers":[{"name":"a","image":"a:1"},{"name":"b","image":"b:2"}]}}}})"},
      {"a new container goes first, as its order says", pod(), R"({"spec":{"containers":[{"name":"a"}]}})",
       R"({"spec":{"$setElementOrder/containers":[{"name":"b"},{"name":"a"}],"containers":[{"name":"b","image":"x"}]}})",
       R"({"spec":{"containers":[{"name":"b","image":"x"},{"name":"a"}]}})"},
      {"injected items keep their place", pod(), R"({"spec":{"containers":[{"name":"injected"},{"name":"a"}]}})",
       R"({"spec":{"$setElementOrder/containers":[{"name":"a"}],"containers":[{"name":"a","image":"2"}]}})",
       R"({"spec":{"containers":[{"name":"injected"},{"name":"a","image":"2"}]}})"},
      {"only the order changes", pod(), R"({"spec":{"containers":[{"name":"a"},{"name":"b"}]}})",
       R"({"spec":{"$setElementOrder/containers":[{"name":"b"},{"name":"a"}]}})",
       R"({"spec":{"containers":[{"name":"b"},{"name":"a"}]}})"},
      {"an item is deleted", pod(), R"({"spec":{"containers":[{"name":"a"},{"name":"b"}]}})",
       R"({"spec":{"$setElementOrder/containers":[{"name":"a"}],"containers":[{"$patch":"delete","name":"b"}]}})",
       R"({"spec":{"containers":[{"name":"a"}]}})"},
      {"the list is replaced", pod(), R"({"spec":{"containers":[{"name":"a","image":"1"}]}})",
       R"({"spec":{"containers":[{"name":"b"},{"$patch":"replace"}]}})", R"({"spec":{"containers":[{"name":"b"}]}})"},
      {"an object is replaced", pod(), R"({"metadata":{"labels":{"a":"1","b":"2"}}})",
       R"({"metadata":{"labels":{"$patch":"replace","c":"3"}}})", R"({"metadata":{"labels":{"c":"3"}}})"},
      {"an object is emptied", pod(), R"({"spec":{"securityContext":{"runAsUser":1}}})",
       R"({"spec":{"securityContext":{"$patch":"delete"}}})", R"({"spec":{"securityContext":{}}})"},
      {"null drops a label", pod(), R"({"metadata":{"labels":{"a":"1","b":"2"}}})", R"({"metadata":{"labels":{"a":null}}})",
       R"({"metadata":{"labels":{"b":"2"}}})"},
      {"env by name, and null drops a member within an item", pod(),
       R"({"spec":{"containers":[{"name":"a","env":[{"name":"X","value":"1"},{"name":"Y","value":"2"}]}]}})",
       R"({"spec":{"containers":[{"name":"a","env":[{"name":"Y","value":null,"valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}}]}]}})",
       R"({"spec":{"containers":[{"name":"a","env":[{"name":"X","value":"1"},{"name":"Y","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}}]}]}})"},
      {"ports of a service by port alone", service(),
       R"({"spec":{"ports":[{"port":80,"protocol":"TCP","nodePort":30000},{"port":443,"protocol":"TCP"}]}})",
       R"({"spec":{"$setElementOrder/ports":[{"port":80},{"port":443}],"ports":[{"port":80,"targetPort":"http"}]}})",
       R"({"spec":{"ports":[{"port":80,"protocol":"TCP","nodePort":30000,"targetPort":"http"},{"port":443,"protocol":"TCP"}]}})"},
      {"retainKeys: another strategy", deployment(),
       R"({"spec":{"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":1}}}})",
       R"({"spec":{"strategy":{"$retainKeys":["type"],"type":"Recreate"}}})", R"({"spec":{"strategy":{"type":"Recreate"}}})"},
      {"retainKeys of a volume's other source", pod(), R"({"spec":{"volumes":[{"name":"v","emptyDir":{}}]}})",
       R"({"spec":{"volumes":[{"$retainKeys":["name","hostPath"],"name":"v","hostPath":{"path":"/x"}}]}})",
       R"({"spec":{"volumes":[{"name":"v","hostPath":{"path":"/x"}}]}})"},
      {"finalizers are a set", pod(), R"({"metadata":{"finalizers":["a/1"]}})", R"({"metadata":{"finalizers":["b/2","a/1"]}})",
       R"({"metadata":{"finalizers":["b/2","a/1"]}})"},
      {"a finalizer goes", pod(), R"({"metadata":{"finalizers":["a/1","b/2"]}})",
       R"({"metadata":{"$deleteFromPrimitiveList/finalizers":["a/1"],"$setElementOrder/finalizers":["b/2"]}})",
       R"({"metadata":{"finalizers":["b/2"]}})"},
      {"lists without a strategy are replaced", pod(),
       R"({"spec":{"tolerations":[{"key":"a"}],"containers":[{"name":"a","args":["1"]}]}})",
       R"({"spec":{"tolerations":[{"key":"b"}],"containers":[{"name":"a","args":["2","3"]}]}})",
       R"({"spec":{"tolerations":[{"key":"b"}],"containers":[{"name":"a","args":["2","3"]}]}})"},
      {"conditions by type", pod(), R"({"status":{"conditions":[{"type":"Ready","status":"False"}]}})",
       R"({"status":{"$setElementOrder/conditions":[{"type":"Ready"}],"conditions":[{"type":"Ready","status":"True"}]}})",
       R"({"status":{"conditions":[{"type":"Ready","status":"True"}]}})"},
      {"directives and nulls of what is new", pod(), R"({})",
       R"({"metadata":{"labels":{"a":null,"b":"1"},"annotations":{"$patch":"delete"}}})",
       R"({"metadata":{"labels":{"b":"1"},"annotations":{}}})"},
      {"no merge key", pod(), R"({"spec":{"containers":[{"name":"a"}]}})", R"({"spec":{"containers":[{"image":"x"}]}})", "",
       "map: map[image:x] does not contain declared merge key: name"},
      {"no such directive", pod(), R"({"spec":{}})", R"({"spec":{"$patch":"frob"}})", "",
       "unknown patch type: frob in map: map[$patch:frob]"},
      {"retainKeys that forgets a member", deployment(), R"({"spec":{"strategy":{}}})",
       R"({"spec":{"strategy":{"$retainKeys":["type"],"rollingUpdate":{}}}})", "", "invalid patch format of retainKeys"},
      {"an order that the patch breaks", pod(), R"({"spec":{"containers":[]}})",
       R"({"spec":{"$setElementOrder/containers":[{"name":"a"}],"containers":[{"name":"b"}]}})", "",
       "The order in patch list:\n[map[name:b]]\n doesn't match $setElementOrder list:\n[map[name:a]]\n"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    try {
      const Json result = strategic_merge_patch(c.schema, Json::parse(c.document), Json::parse(c.patch));
      EXPECT_EQ(result.dump(), Json::parse(*c.result ? c.result : "\"fails\"").dump());
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), c.error);
    }
  }
}

}  // namespace
}  // namespace ph::api
