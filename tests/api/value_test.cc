#include "api/value.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/kinds.h"

namespace ph::api {
namespace {

using core::v1::Pod;
using nlohmann::json;
using testing::ElementsAre;

const char* const kPod = R"({"kind":"Pod","apiVersion":"v1",
  "metadata":{"name":"a","labels":{"b":"2","a":"1"},"creationTimestamp":"2024-01-02T03:04:05Z"},
  "spec":{"containers":[{"name":"c","image":"i","ports":[{"containerPort":80}],"resources":{"limits":{"cpu":"1500m"}}},{"name":"d","resources":{}}],
          "volumes":[{"name":"v","configMap":{"name":"m"}}],"priority":0,"hostNetwork":true,
          "securityContext":{"supplementalGroups":[1,2]}},
  "status":{}})";

// Every test runs over both back ends.
class ValueOver : public testing::TestWithParam<bool> {
 protected:
  ValueOver() : document_(json::parse(kPod)) { decode_json(kPod, pod_); }
  Value root() { return GetParam() ? Value::of(document_, schema_of<Pod>()) : Value::of(pod_); }
  // The object as it is now.
  json now() { return GetParam() ? document_ : to_json(pod_); }

  Pod pod_;
  json document_;
};

INSTANTIATE_TEST_SUITE_P(BackEnds, ValueOver, testing::Bool(),
                         [](const auto& info) { return info.param ? "Document" : "Message"; });

TEST_P(ValueOver, Reads) {
  const Value pod = root();
  EXPECT_EQ(pod.at_path("metadata.name").text(), "a");
  EXPECT_TRUE(pod.at_path("spec.hostNetwork").boolean());
  EXPECT_TRUE(pod.at_path("spec.priority")) << "a pointer to zero is there";
  EXPECT_EQ(pod.at_path("spec.priority").integer(), 0);
  EXPECT_FALSE(pod.at_path("spec.nodeName"));
  EXPECT_FALSE(pod.at_path("spec.terminationGracePeriodSeconds"));
  EXPECT_FALSE(pod.at_path("metadata.generation"));
  EXPECT_TRUE(pod.at_path("status")) << "a struct that is always written is there";
  EXPECT_FALSE(pod.at_path("status.phase"));
  EXPECT_FALSE(pod.at_path("nothing.at.all"));
  EXPECT_EQ(pod.at_path("metadata.creationTimestamp").text(), "2024-01-02T03:04:05Z");
  EXPECT_EQ(pod.at_path("metadata.labels").keys(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(pod.at_path("metadata.labels").entry("b").text(), "2");
  EXPECT_FALSE(pod.at_path("metadata.labels").entry("c"));
}

TEST_P(ValueOver, ReadsLists) {
  const Value containers = root().at_path("spec.containers");
  ASSERT_EQ(containers.size(), 2u);
  EXPECT_EQ(containers.item(0).member("image").text(), "i");
  EXPECT_EQ(containers.item(0).at_path("resources.limits").entry("cpu").text(), "1500m");
  EXPECT_EQ(containers.item(0).member("ports").item(0).member("containerPort").integer(), 80);
  EXPECT_FALSE(containers.item(0).member("ports").item(0).member("hostPort"));
  EXPECT_FALSE(containers.item(1).member("ports"));
  EXPECT_FALSE(containers.item(2));
  EXPECT_EQ(root().at_path("spec.volumes").item(0).at_path("configMap.name").text(), "m");
  EXPECT_EQ(root().at_path("spec.securityContext.supplementalGroups").item(1).integer(), 2);
  EXPECT_EQ(containers.item(0).member("ports").json(), json::parse(R"([{"containerPort":80}])"));
}

TEST_P(ValueOver, Changes) {
  const Value spec = root().at_path("spec");
  const Schema& schema = spec.schema();
  spec.set_member(*schema.field("nodeName"), "n");
  spec.set_member(*schema.field("hostNetwork"), nullptr);
  spec.clear_member(*schema.field("priority"));
  spec.set_member(*schema.field("tolerations"), json::parse(R"([{"key":"k"}])"));
  const Value volume = spec.member("volumes").item(0);
  volume.clear_member(*volume.schema().field("configMap"));
  volume.set_member(*volume.schema().field("emptyDir"), json::object());
  const Value labels = root().at_path("metadata.labels");
  labels.set_entry("c", "3");
  labels.set_entry("a", "0");
  labels.clear_entry("b");
  const Value containers = spec.member("containers");
  containers.append(json::parse(R"({"name":"e","resources":{}})"));
  containers.remove_item(0);
  EXPECT_EQ(now(), json::parse(R"({"kind":"Pod","apiVersion":"v1",
    "metadata":{"name":"a","labels":{"c":"3","a":"0"},"creationTimestamp":"2024-01-02T03:04:05Z"},
    "spec":{"containers":[{"name":"d","resources":{}},{"name":"e","resources":{}}],"volumes":[{"name":"v","emptyDir":{}}],
            "nodeName":"n","tolerations":[{"key":"k"}],"securityContext":{"supplementalGroups":[1,2]}},
    "status":{}})"));
}

TEST_P(ValueOver, ChangesInsideWhatWasAbsent) {
  const Value status = root().at_path("status");
  status.set_member(*status.schema().field("phase"), "Running");
  EXPECT_EQ(now()["status"], json::parse(R"({"phase":"Running"})"));
}

TEST_P(ValueOver, Equality) {
  EXPECT_TRUE(Value::equal(root(), root()));
  Pod same;
  decode_json(kPod, same);
  EXPECT_TRUE(Value::equal(root(), Value::of(same)));
  same.mutable_spec()->mutable_containers(0)->set_image("j");
  EXPECT_FALSE(Value::equal(root(), Value::of(same)));
  same.mutable_spec()->mutable_containers(0)->set_image("i");
  same.mutable_status()->set_phase("");
  EXPECT_TRUE(Value::equal(root(), Value::of(same)));
  same.mutable_spec()->clear_priority();
  EXPECT_FALSE(Value::equal(root(), Value::of(same))) << "zero and absent differ behind a pointer";
}

TEST(Value, EqualitySeesThroughSpellings) {
  json left = json::parse(
      R"({"metadata":{"creationTimestamp":"2024-01-02T03:04:05Z"},"spec":{"overhead":{"cpu":"1","memory":"1024Mi"}}})");
  json right = json::parse(
      R"({"metadata":{"creationTimestamp":"2024-01-02T04:04:05+01:00","name":""},"spec":{"overhead":{"cpu":"1000m","memory":"1Gi"},"containers":[]}})");
  EXPECT_TRUE(Value::equal(Value::of(left, schema_of<Pod>()), Value::of(right, schema_of<Pod>())));
}

TEST(Value, ConstMessagesAreNotTouched) {
  Pod pod;
  const Value view = Value::of(std::as_const(pod));
  EXPECT_TRUE(view.at_path("spec"));
  EXPECT_EQ(view.at_path("spec.containers").size(), 0u);
  EXPECT_FALSE(pod.has_spec());
}

TEST(Value, SettersDecode) {
  Pod pod;
  const Value spec = Value::of(pod).at_path("spec");
  EXPECT_THROW(spec.set_member(*spec.schema().field("priority"), "x"), DecodeError);
  EXPECT_THROW(spec.set_member(*spec.schema().field("containers"), json::object()), DecodeError);
  spec.set_member(*spec.schema().field("overhead"), json::parse(R"({"cpu":0.5})"));
  EXPECT_EQ(pod.spec().overhead().at("cpu").string(), "500m");
  const Value overhead = spec.member("overhead");
  overhead.set_entry("memory", "1024Mi");
  EXPECT_EQ(overhead.keys(), (std::vector<std::string>{"cpu", "memory"}));
  EXPECT_EQ(pod.spec().overhead().at("memory").string(), "1Gi");
}

TEST(Value, ListsInMapEntries) {
  authorization::v1::SubjectAccessReview review;
  decode_json(R"({"spec":{"extra":{"k":["a"]}}})", review);
  const Value list = Value::of(review).at_path("spec.extra").entry("k");
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list.item(0).text(), "a");
  list.append("b");
  EXPECT_EQ(to_json(review)["spec"]["extra"], json::parse(R"({"k":["a","b"]})"));
}

}  // namespace
}  // namespace ph::api
