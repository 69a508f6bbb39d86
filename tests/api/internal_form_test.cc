// Objects as upstream's messages show them.
#include "api/internal_form.h"

#include "tests/api/validation_helpers.h"

namespace ph::api {
namespace {

using namespace core::v1;

template <class T>
std::string shown(const std::string& json) {
  T out;
  decode_json(json, out);
  return internal_json(out);
}

TEST(InternalForm, EveryMemberIsTold) {
  EXPECT_EQ(shown<Taint>(R"({"key":"k","effect":"NoSchedule"})"),
            R"({"Key":"k","Value":"","Effect":"NoSchedule","TimeAdded":null})");
  EXPECT_EQ(shown<ServicePort>(R"({"port":80,"targetPort":"web"})"),
            R"({"Name":"","Protocol":"","AppProtocol":null,"Port":80,"TargetPort":"web","NodePort":0})");
  EXPECT_EQ(shown<ResourceRequirements>(R"({"limits":{"cpu":"1","a":"1Gi"}})"),
            R"({"Limits":{"a":"1Gi","cpu":"1"},"Requests":null,"Claims":null})");
  EXPECT_EQ(shown<batch::v1::SuccessPolicy>("{}"), R"({"Rules":null})");
}

TEST(InternalForm, NamesOfGo) {
  EXPECT_EQ(shown<ObjectReference>(R"({"uid":"u","apiVersion":"v1"})"),
            R"({"Kind":"","Namespace":"","Name":"","UID":"u","APIVersion":"v1","ResourceVersion":"","FieldPath":""})");
  EXPECT_EQ(shown<HTTPGetAction>(R"({"port":1})"), R"({"Path":"","Port":1,"Host":"","Scheme":"","HTTPHeaders":null})");
  EXPECT_EQ(shown<AzureDiskVolumeSource>(R"({"diskName":"d","diskURI":"u"})"),
            R"({"DiskName":"d","DataDiskURI":"u","CachingMode":null,"FSType":null,"ReadOnly":null,"Kind":null})");
  EXPECT_EQ(shown<SELinuxOptions>("{}"), R"({"User":"","Role":"","Type":"","Level":""})");
}

TEST(InternalForm, TypesOfMetaLookAsTheyAreServed) {
  EXPECT_EQ(shown<meta::v1::LabelSelector>(R"({"matchExpressions":[{"key":"k","operator":"In"}],"matchLabels":{"a":"<"}})"),
            R"({"matchLabels":{"a":"\u003c"},"matchExpressions":[{"key":"k","operator":"In"}]})");
  EXPECT_TRUE(shown<PersistentVolumeClaimTemplate>(R"({"metadata":{"name":"x"},"spec":{}})")
                  .starts_with(R"({"name":"x","Spec":{"AccessModes":null,"Selector":null,"Resources":{"Limits":null,)"));
}

// What a pod shares with its host is one level deeper inside.
TEST(InternalForm, PodsKeepTheHostInTheSecurityContext) {
  const std::string json = shown<PodSpec>(R"({"hostPID":true,"serviceAccountName":"a","serviceAccount":"b"})");
  EXPECT_NE(
      json.find(
          R"("ServiceAccountName":"a","AutomountServiceAccountToken":null,"NodeName":"","SecurityContext":{"HostNetwork":false,)"
          R"("HostPID":true,"HostIPC":false,"ShareProcessNamespace":null,"HostUsers":null,"SELinuxOptions":null,)"),
      std::string::npos)
      << json;
}

TEST(InternalForm, LineByLine) {
  Toleration toleration;
  toleration.set_key("k");
  EXPECT_EQ(internal_json_lines(toleration),
            "{\n \"Key\": \"k\",\n \"Operator\": \"\",\n \"Value\": \"\",\n \"Effect\": \"\",\n \"TolerationSeconds\": null\n}");
}

}  // namespace
}  // namespace ph::api
