#include "api/gated_fields.h"

#include <map>
#include <set>

#include <gmock/gmock.h>

#include "api/codec.h"
#include "api/kinds.h"

namespace ph::api {
namespace {

using nlohmann::json;

struct Case {
  const char* name;
  GroupVersionKind kind;
  const char *now, *old;  // old "": there is none
  const char* left;
};

const GroupVersionKind kPod{"", "v1", "Pod"}, kLease{"coordination.k8s.io", "v1", "Lease"},
    kClaim{"", "v1", "PersistentVolumeClaim"}, kSlice{"resource.k8s.io", "v1", "ResourceSlice"};

const Case kCases[] = {
    {"a member", kLease, R"({"spec":{"strategy":"x","preferredHolder":"y","holderIdentity":"z"}})", "",
     R"({"spec":{"holderIdentity":"z"}})"},
    {"one the object has had", kLease, R"({"spec":{"strategy":"x","preferredHolder":"y"}})", R"({"spec":{"strategy":"w"}})",
     R"({"spec":{"strategy":"x"}})"},
    {"within lists", kPod,
     R"({"spec":{"volumes":[{"name":"v","projected":{"sources":[{"clusterTrustBundle":{"path":"p"}},{"secret":{"name":"s"}}]}}]}})",
     "", R"({"spec":{"volumes":[{"name":"v","projected":{"sources":[{},{"secret":{"name":"s"}}]}}]}})"},
    {"of containers of all kinds", kPod,
     R"({"spec":{"containers":[{"name":"c","lifecycle":{"stopSignal":"SIGTERM"}}],
         "initContainers":[{"name":"i","lifecycle":{"stopSignal":"SIGTERM","preStop":{"sleep":{"seconds":1}}}}],
         "ephemeralContainers":[{"name":"e","lifecycle":{"stopSignal":"SIGTERM"}}]}})",
     "",
     R"({"spec":{"containers":[{"name":"c","lifecycle":{}}],"initContainers":[{"name":"i","lifecycle":{"preStop":{"sleep":{"seconds":1}}}}],
         "ephemeralContainers":[{"name":"e","lifecycle":{}}]}})"},
    {"within maps", kSlice, R"({"spec":{"devices":[{"name":"d","attributes":{"a":{"ints":[1]},"b":{"int":1}}}]}})", "",
     R"({"spec":{"devices":[{"name":"d","attributes":{"a":{},"b":{"int":1}}}]}})"},
    {"a reference into another namespace", kClaim, R"({"spec":{"dataSourceRef":{"kind":"K","name":"n","namespace":"x"}}})", "",
     R"({"spec":{}})"},
    {"a reference that stays here", kClaim, R"({"spec":{"dataSourceRef":{"kind":"K","name":"n"}}})", "",
     R"({"spec":{"dataSourceRef":{"kind":"K","name":"n"}}})"},
};

Object object_of(const GroupVersionKind& kind, const char* text) {
  Object out = Object::make(*Scheme::builtin().find(kind));
  from_json(json::parse(text), *out.message());
  return out;
}

TEST(GatedFields, AreDropped) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    Object now = object_of(c.kind, c.now);
    const Object old = object_of(c.kind, *c.old ? c.old : "{}");
    drop_gated_fields(now, *c.old ? &old : nullptr);
    EXPECT_EQ(encode_json(*now.message()), encode_json(*object_of(c.kind, c.left).message()));
  }
}

const std::map<std::string_view, bool> kGates{
#define GATE(name, on, locked) {name, on},
#include "daemon/feature_gates.def"
#undef GATE
};

// Neither is one of them on, nor is there a field whose gate is off and which is not dropped.
TEST(GatedFields, AreThoseOfTheGatesThatAreOff) {
  std::set<std::string> wanted;
  for (const Resource& resource : Scheme::builtin().resources()) {
    std::set<const Schema*> seen;
    std::vector<const Schema*> left{resource.schema};
    while (!left.empty()) {
      const Schema* schema = left.back();
      left.pop_back();
      if (!schema || !seen.insert(schema).second) continue;
      left.push_back(schema->element);
      for (const Field& field : schema->fields) {
        left.push_back(field.schema);
        for (const std::string& gate : field.feature_gates) {
          if (const auto found = kGates.find(gate); found != kGates.end() && !found->second) wanted.insert(gate);
        }
      }
    }
  }
  wanted.erase("MaxUnavailableStatefulSet");  // may be turned on: apiserver/registry/workloads.cc
  const std::set<std::string> off(gates_that_are_off().begin(), gates_that_are_off().end());
  EXPECT_EQ(off, wanted);
}

}  // namespace
}  // namespace ph::api
