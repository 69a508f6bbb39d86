// Managed fields: the sets, and what updates do to them.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/kinds.h"
#include "api/patch/field_set.h"
#include "api/patch/managed_fields.h"
#include "api/rules.h"

namespace ph::api {
namespace {

using Json = nlohmann::json;
using core::v1::Pod;

template <class T>
T parse(const char* json) {
  T out;
  decode_json(json, out);
  return out;
}

Time at(int seconds) { return Time(std::chrono::seconds(1'700'000'000 + seconds)); }

template <class T>
const std::string& fields(const T& object, int i) {
  return object.metadata().managed_fields(i).fields_v1().raw();
}

// As a message: what a test looks at.
template <class T>
void record(T& object, const T* old, const Manager& manager, Time now) {
  Object after = Object::of(object);
  const Object before = old ? Object::of(*old) : Object();
  record_update(after, old ? &before : nullptr, manager, now);
  object = after.as<T>();
}

TEST(FieldSet, TextIsCanonical) {
  struct Case {
    const char* name;
    const char* text;
    const char* canonical;
  };
  const Case cases[] = {
      {"empty", "{}", "{}"},
      {"fields by name", R"({"f:b":{},"f:a":{}})", R"({"f:a":{},"f:b":{}})"},
      {"the container first", R"({"f:l":{"f:a":{},".":{}}})", R"({"f:l":{".":{},"f:a":{}}})"},
      {"a lone container", R"({"f:l":{".":{}}})", R"({"f:l":{}})"},
      {"keys by number, after fields", R"({"k:{\"port\":443}":{},"f:z":{},"k:{\"port\":80}":{}})",
       R"({"f:z":{},"k:{\"port\":80}":{},"k:{\"port\":443}":{}})"},
      {"values and indices last", R"({"i:10":{},"i:9":{},"v:\"x\"":{},"v:3":{}})",
       R"({"v:3":{},"v:\"x\"":{},"i:9":{},"i:10":{}})"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(FieldSet::from_fields_v1(c.text).fields_v1(), c.canonical);
  }
  for (const char* bad : {"[]", "{", R"({"x:a":{}})", R"({"k:5":{}})", R"({"i:x":{}})", R"({"f":{}})"}) {
    EXPECT_THROW(FieldSet::from_fields_v1(bad), DecodeError) << bad;
  }
}

// Anybody may write them.
TEST(FieldSet, AnElementMayNotBeNestedWithoutEnd) {
  const std::string deep(300'000, '['), end(300'000, ']');
  for (const char* kind : {"v:", "k:"})
    EXPECT_THROW(FieldSet::from_fields_v1("{\"" + (kind + deep) + end + "\":{}}"), DecodeError);
  EXPECT_THROW(FieldSet::from_fields_v1("{\"k:{\\\"a\\\":" + deep + end + "}\":{}}"), DecodeError);
}

TEST(FieldSet, Algebra) {
  const auto set = [](const char* text) { return FieldSet::from_fields_v1(text); };
  const FieldSet a = set(R"({"f:a":{},"f:m":{".":{},"f:x":{},"f:y":{}}})");
  const FieldSet b = set(R"({"f:b":{},"f:m":{".":{},"f:y":{}}})");
  EXPECT_EQ(a.united(b).fields_v1(), R"({"f:a":{},"f:b":{},"f:m":{".":{},"f:x":{},"f:y":{}}})");
  EXPECT_EQ(a.intersected(b).fields_v1(), R"({"f:m":{".":{},"f:y":{}}})");
  EXPECT_EQ(a.without(b).fields_v1(), R"({"f:a":{},"f:m":{"f:x":{}}})");
  EXPECT_EQ(a.without_below(b).fields_v1(), R"({"f:a":{}})");
  EXPECT_TRUE(a.has(FieldPath{PathElement::field("m"), PathElement::field("x")}));
  EXPECT_FALSE(a.without(b).has(FieldPath{PathElement::field("m")}));
  EXPECT_EQ(a.paths().size(), 4u);
}

TEST(ManagedFields, OfACreatedDeployment) {
  auto object = parse<apps::v1::Deployment>(R"({"metadata":{"name":"d","namespace":"n","labels":{"app":"d"}},"spec":{"replicas":2,
      "selector":{"matchLabels":{"app":"d"}},"template":{"metadata":{"labels":{"app":"d"}},"spec":{"containers":[
      {"name":"c","image":"i","ports":[{"containerPort":80}],"env":[{"name":"E","value":"1"}]}]}}}})");
  rules_of(schema_of(object)).set_defaults(object);
  record<apps::v1::Deployment>(object, nullptr, {"kubectl-create", "Update", ""}, at(0));
  ASSERT_EQ(object.metadata().managed_fields_size(), 1);
  const auto& entry = object.metadata().managed_fields(0);
  EXPECT_EQ(entry.manager(), "kubectl-create");
  EXPECT_EQ(entry.api_version(), "apps/v1");
  EXPECT_EQ(entry.time().seconds(), 1'700'000'000);
  EXPECT_EQ(Json::parse(fields(object, 0)), Json::parse(R"({
      "f:metadata":{"f:labels":{".":{},"f:app":{}}},
      "f:spec":{"f:progressDeadlineSeconds":{},"f:replicas":{},"f:revisionHistoryLimit":{},"f:selector":{},
        "f:strategy":{"f:rollingUpdate":{".":{},"f:maxSurge":{},"f:maxUnavailable":{}},"f:type":{}},
        "f:template":{"f:metadata":{"f:labels":{".":{},"f:app":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},
            "f:env":{".":{},"k:{\"name\":\"E\"}":{".":{},"f:name":{},"f:value":{}}},
            "f:image":{},"f:imagePullPolicy":{},"f:name":{},
            "f:ports":{".":{},"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{},"f:protocol":{}}},
            "f:resources":{},"f:terminationMessagePath":{},"f:terminationMessagePolicy":{}}},
          "f:dnsPolicy":{},"f:restartPolicy":{},"f:schedulerName":{},"f:securityContext":{},"f:terminationGracePeriodSeconds":{}}}}})"));
}

TEST(ManagedFields, WhatIsChangedChangesHands) {
  auto old = parse<Pod>(R"({"metadata":{"name":"p","labels":{"a":"1","b":"1"}}})");
  record<Pod>(old, nullptr, {"alice", "Update", ""}, at(0));
  Pod now = old;
  (*now.mutable_metadata()->mutable_labels())["a"] = "2";
  (*now.mutable_metadata()->mutable_labels())["c"] = "3";
  now.mutable_metadata()->mutable_labels()->erase("b");
  record(now, &old, {"bob", "Update", ""}, at(5));
  ASSERT_EQ(now.metadata().managed_fields_size(), 2);
  EXPECT_EQ(fields(now, 0), R"({"f:metadata":{"f:labels":{}}})");
  EXPECT_EQ(fields(now, 1), R"({"f:metadata":{"f:labels":{"f:a":{},"f:c":{}}}})");
  EXPECT_EQ(now.metadata().managed_fields(1).manager(), "bob");
}

TEST(ManagedFields, OneEntryAManagerOperationSubresourceAndVersion) {
  auto created = parse<Pod>(R"({"metadata":{"name":"p","labels":{"a":"1"}}})");
  record<Pod>(created, nullptr, {"m", "Update", ""}, at(0));
  Pod labelled = created;
  (*labelled.mutable_metadata()->mutable_labels())["b"] = "1";
  record(labelled, &created, {"m", "Update", ""}, at(1));
  ASSERT_EQ(labelled.metadata().managed_fields_size(), 1);
  EXPECT_EQ(fields(labelled, 0), R"({"f:metadata":{"f:labels":{".":{},"f:a":{},"f:b":{}}}})");
  EXPECT_EQ(labelled.metadata().managed_fields(0).time().seconds(), 1'700'000'001);

  Pod ready = labelled;
  auto& condition = *ready.mutable_status()->add_conditions();
  condition.set_type("Ready");
  condition.set_status("True");
  record(ready, &labelled, {"m", "Update", "status"}, at(2));
  ASSERT_EQ(ready.metadata().managed_fields_size(), 2);
  EXPECT_EQ(ready.metadata().managed_fields(1).subresource(), "status");
  EXPECT_EQ(Json::parse(fields(ready, 1)), Json::parse(R"({"f:status":{"f:conditions":{".":{},"k:{\"type\":\"Ready\"}":{".":{},
      "f:lastProbeTime":{},"f:lastTransitionTime":{},"f:status":{},"f:type":{}}}}})"));
}

TEST(ManagedFields, NothingChangedLeavesTheTimes) {
  auto old = parse<Pod>(R"({"metadata":{"name":"p","labels":{"a":"1"}}})");
  record<Pod>(old, nullptr, {"m", "Update", ""}, at(0));
  Pod now = old;
  now.mutable_metadata()->clear_managed_fields();
  now.mutable_metadata()->set_resource_version("17");
  record(now, &old, {"other", "Update", ""}, at(9));
  EXPECT_EQ(encode_json(now.metadata().managed_fields(0)), encode_json(old.metadata().managed_fields(0)));
  EXPECT_EQ(now.metadata().managed_fields_size(), 1);
}

TEST(ManagedFields, ARequestMayStartAnew) {
  auto old = parse<Pod>(R"({"metadata":{"name":"p","labels":{"a":"1"}}})");
  record<Pod>(old, nullptr, {"m", "Update", ""}, at(0));
  Pod now = old;
  now.mutable_metadata()->clear_managed_fields();
  now.mutable_metadata()->add_managed_fields();
  record(now, &old, {"m", "Update", ""}, at(1));
  EXPECT_EQ(now.metadata().managed_fields_size(), 0);
}

// Nor is anything recorded of an object that nobody manages: whoever applies first is to find all of it in one hand.
TEST(ManagedFields, WhatNobodyManagesStaysSo) {
  const auto old = parse<Pod>(R"({"metadata":{"name":"p","labels":{"a":"1"}}})");
  Pod now = old;
  (*now.mutable_metadata()->mutable_labels())["b"] = "1";
  record(now, &old, {"m", "Update", ""}, at(1));
  EXPECT_EQ(now.metadata().managed_fields_size(), 0);
}

TEST(ManagedFields, SetsAndAtomicLists) {
  auto old = parse<Pod>(R"({"metadata":{"name":"p","finalizers":["x/1"]},"spec":{"tolerations":[{"key":"a"}]}})");
  record<Pod>(old, nullptr, {"a", "Update", ""}, at(0));
  EXPECT_EQ(fields(old, 0), R"({"f:metadata":{"f:finalizers":{".":{},"v:\"x/1\"":{}}},"f:spec":{"f:tolerations":{}}})");
  Pod now = old;
  now.mutable_metadata()->add_finalizers("y/2");
  now.mutable_spec()->mutable_tolerations(0)->set_key("b");
  record(now, &old, {"b", "Update", ""}, at(1));
  EXPECT_EQ(fields(now, 0), R"({"f:metadata":{"f:finalizers":{".":{},"v:\"x/1\"":{}}}})");
  EXPECT_EQ(fields(now, 1), R"({"f:metadata":{"f:finalizers":{"v:\"y/2\"":{}}},"f:spec":{"f:tolerations":{}}})");
}

TEST(ManagedFields, TheOldestUpdatersAreThrownTogether) {
  auto object = parse<Pod>(R"({"metadata":{"name":"p","labels":{"l0":"x"}}})");
  record<Pod>(object, nullptr, {"m0", "Update", ""}, at(0));
  for (int i = 1; i < 12; ++i) {
    const Pod old = object;
    (*object.mutable_metadata()->mutable_labels())["l" + std::to_string(i)] = "x";
    record(object, &old, {"m" + std::to_string(i), "Update", ""}, at(i));
  }
  EXPECT_EQ(object.metadata().managed_fields_size(), 10);
  EXPECT_EQ(object.metadata().managed_fields(0).manager(), "ancient-changes");
  EXPECT_EQ(fields(object, 0), R"({"f:metadata":{"f:labels":{".":{},"f:l0":{},"f:l1":{},"f:l2":{}}}})");
}

}  // namespace
}  // namespace ph::api
