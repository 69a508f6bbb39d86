#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/json_text.h"
#include "api/kinds.h"

namespace ph::api {
namespace {

using core::v1::ConfigMap, core::v1::Pod, core::v1::Secret, core::v1::Service;
using testing::ElementsAre;

template <class T>
T read(std::string_view text, const DecodeOptions& options = {}) {
  T out;
  decode_json(text, out, options);
  return out;
}

template <class T>
std::string error(std::string_view text, const DecodeOptions& options = {}) {
  try {
    read<T>(text, options);
  } catch (const DecodeError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(CodecJson, WhatIsWrittenOfAnEmptyObject) {
  EXPECT_EQ(encode_json(Pod()), R"({"kind":"Pod","apiVersion":"v1","metadata":{},"spec":{"containers":null},"status":{}})");
  EXPECT_EQ(encode_json(ConfigMap()), R"({"kind":"ConfigMap","apiVersion":"v1","metadata":{}})");
  EXPECT_EQ(
      encode_json(core::v1::Event()),
      R"({"kind":"Event","apiVersion":"v1","metadata":{},"involvedObject":{},"source":{},"firstTimestamp":null,"lastTimestamp":null,)"
      R"("eventTime":null,"reportingComponent":"","reportingInstance":""})");
  EXPECT_EQ(encode_json(autoscaling::v1::Scale()),
            R"({"kind":"Scale","apiVersion":"autoscaling/v1","metadata":{},"spec":{},"status":{"replicas":0}})");
}

TEST(CodecJson, ObjectsWithinAnother) {
  apps::v1::StatefulSet set;
  set.mutable_spec()->add_volume_claim_templates()->mutable_metadata()->set_name("data");
  const auto templates = [&](Within within) {
    std::string out;
    transcode_to_json(schema_of(set), encode_protobuf(set), true, out, within);
    return nlohmann::json::parse(out)["spec"]["volumeClaimTemplates"][0];
  };
  EXPECT_FALSE(templates(Within::AsOnTheWire).contains("kind"));
  EXPECT_EQ(templates(Within::AsServed)["kind"], "PersistentVolumeClaim");
  EXPECT_EQ(templates(Within::AsServed)["apiVersion"], "v1");
  core::v1::PodList list;
  list.add_items();
  std::string out;
  transcode_to_json(schema_of(list), encode_protobuf(list), true, out, Within::AsServed);
  EXPECT_FALSE(nlohmann::json::parse(out)["items"][0].contains("kind")) << "a list says what its items are";
}

TEST(CodecJson, Presence) {
  struct Case {
    const char* name;
    const char* in;
    const char* out;
  };
  const Case kCases[] = {
      {"zero of a pointer stays", R"({"spec":{"terminationGracePeriodSeconds":0,"containers":[]}})",
       R"({"containers":null,"terminationGracePeriodSeconds":0})"},
      {"zero of a value goes", R"({"spec":{"nodeName":"","hostNetwork":false,"containers":null}})", R"({"containers":null})"},
      {"null is absence", R"({"spec":{"terminationGracePeriodSeconds":null,"nodeName":null}})", R"({"containers":null})"},
      {"empty struct of a pointer stays", R"({"spec":{"securityContext":{}}})", R"({"containers":null,"securityContext":{}})"},
      {"null items are zero", R"({"spec":{"containers":[null]}})", R"({"containers":[{"name":"","resources":{}}]})"},
      {"inline members", R"({"spec":{"volumes":[{"emptyDir":{},"name":"v"}]}})",
       R"({"volumes":[{"name":"v","emptyDir":{}}],"containers":null})"},
      {"the last of two counts",
       R"({"spec":{"tolerations":[{"key":"a"},{"key":"b"}],"nodeName":"x","tolerations":[{"key":"c"}],"nodeName":"y"}})",
       R"({"containers":null,"nodeName":"y","tolerations":[{"key":"c"}]})"},
      {"quantities are canonical", R"({"spec":{"overhead":{"memory":"1024Mi","cpu":0.5}}})",
       R"({"containers":null,"overhead":{"cpu":"500m","memory":"1Gi"}})"},
      {"maps are sorted", R"({"spec":{"nodeSelector":{"b":"1","a":null}}})",
       R"({"containers":null,"nodeSelector":{"a":"","b":"1"}})"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    const std::string out = encode_json(read<Pod>(c.in));
    EXPECT_EQ(out, std::string(R"({"kind":"Pod","apiVersion":"v1","metadata":{},"spec":)") + c.out + R"(,"status":{}})");
  }
}

TEST(CodecJson, SpecialForms) {
  const Service service = read<Service>(R"({"spec":{"ports":[{"port":80,"targetPort":"http"},{"port":81,"targetPort":8081}]}})");
  EXPECT_EQ(service.spec().ports(0).target_port().str_val(), "http");
  EXPECT_EQ(service.spec().ports(1).target_port().int_val(), 8081);
  EXPECT_THAT(encode_json(service), testing::HasSubstr(R"([{"port":80,"targetPort":"http"},{"port":81,"targetPort":8081}])"));
  EXPECT_EQ(read<Secret>(R"({"data":{"a":"aGk=","b":""}})").data().at("a"), "hi");
  EXPECT_EQ(encode_json(read<Secret>(R"({"data":{"a":"aGk=","b":""}})")),
            R"({"kind":"Secret","apiVersion":"v1","metadata":{},"data":{"a":"aGk=","b":""}})");
  const Pod pod = read<Pod>(R"({"metadata":{"creationTimestamp":"2024-01-02T03:04:05.9+01:00"}})");
  EXPECT_THAT(encode_json(pod), testing::HasSubstr(R"("creationTimestamp":"2024-01-02T02:04:05Z")"));
  const auto revision = read<apps::v1::ControllerRevision>(R"({"data": { "b": [1, 1.50, "<"] , "a":1e400}, "revision":1})");
  EXPECT_EQ(revision.data().raw(), R"({"b":[1,1.50,"<"],"a":1e400})");
  EXPECT_THAT(encode_json(revision), testing::HasSubstr(R"("data":{"b":[1,1.50,"\u003c"],"a":1e400})"));
}

TEST(CodecJson, Text) {
  const ConfigMap map = read<ConfigMap>("{\"data\":{\"k\":\"<&>\\u2028\\n\\u0001\\u0000\xc3\xa4\\ud83d\\ude00\"}}");
  EXPECT_EQ(map.data().at("k"), std::string("<&>\u2028\n\x01\0\u00e4\U0001F600", 15));
  EXPECT_EQ(encode_json(map),
            "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{},\"data\":{\"k\":"
            "\"\\u003c\\u0026\\u003e\\u2028\\n\\u0001\\u0000\xc3\xa4\U0001F600\"}}");
  EXPECT_EQ(read<ConfigMap>("{\"data\":{\"k\":\"a\xff\"}}").data().at("k"), "a\ufffd");
  EXPECT_EQ(read<ConfigMap>(R"({"data":{"k":"\ud800x\udc00"}})").data().at("k"), "\ufffdx\ufffd");
}

TEST(CodecJson, ListsAndZeroTimes) {
  EXPECT_EQ(encode_json(core::v1::PodList()), R"({"kind":"PodList","apiVersion":"v1","metadata":{},"items":[]})");
  EXPECT_EQ(
      encode_json(read<core::v1::PodList>(R"({"items":[{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"}}]})")),
      R"({"kind":"PodList","apiVersion":"v1","metadata":{},"items":[{"metadata":{"name":"a"},"spec":{"containers":null},"status":{}}]})");
  const Pod pod =
      read<Pod>(R"({"metadata":{"creationTimestamp":"0001-01-01T00:00:00Z","deletionTimestamp":"9999-12-31T23:59:59Z"}})");
  EXPECT_FALSE(pod.metadata().creation_timestamp().has_seconds());
  EXPECT_THAT(encode_json(pod), testing::HasSubstr(R"("metadata":{"deletionTimestamp":"9999-12-31T23:59:59Z"})"));
}

TEST(CodecJson, Pretty) {
  EXPECT_EQ(encode_json(Pod(), JsonStyle::Pretty),
            "{\n  \"kind\": \"Pod\",\n  \"apiVersion\": \"v1\",\n  \"metadata\": {},\n  \"spec\": {\n    \"containers\": null\n  "
            "},\n  \"status\": {}\n}");
}

TEST(CodecJson, UnknownAndDuplicateFields) {
  const char* text = R"({"kind":"Pod","kind":"Pod","foo":{"a":[1]},"metadata":{"labels":{"a":"1","a":"2"}},
                         "spec":{"containers":[{"name":"a","Image":"x"},{"bar":1,"name":"b","name":"c"}]}})";
  std::vector<std::string> warnings;
  read<Pod>(text, {.unknown = Unknown::Warn, .warnings = &warnings});
  EXPECT_THAT(warnings, ElementsAre(R"(duplicate field "kind")", R"(unknown field "foo")",
                                    R"(duplicate field "metadata.labels.a")", R"(unknown field "spec.containers[0].Image")",
                                    R"(unknown field "spec.containers[1].bar")", R"(duplicate field "spec.containers[1].name")"));
  EXPECT_EQ(error<Pod>(R"({"x":1,"spec":{"y":2}})", {.unknown = Unknown::Strict}),
            R"(strict decoding error: unknown field "x", unknown field "spec.y")");
  EXPECT_EQ(error<Pod>(text), "accepted");
}

TEST(CodecJson, RefusedInGosWords) {
  const std::pair<const char*, const char*> kCases[] = {
      {"", "unexpected end of JSON input"},
      {"{", "unexpected end of JSON input"},
      {"{]", "invalid character ']' looking for beginning of object key string"},
      {R"({"a" 1})", "invalid character '1' after object key"},
      {R"({"a":1 "b":2})", "invalid character '\"' after object key:value pair"},
      {R"({"a":1,})", "invalid character '}' looking for beginning of object key string"},
      {R"({"a":[1,]})", "invalid character ']' looking for beginning of value"},
      {R"({"a":[1 2]})", "invalid character '2' after array element"},
      {R"({"a":tru})", "invalid character '}' in literal true (expecting 'e')"},
      {R"({"a":01})", "invalid character '1' after object key:value pair"},
      {R"({"spec":{"nodeName":1.}})", "invalid character '}' after decimal point in numeric literal"},
      {R"({"a":"\x"})", "invalid character 'x' in string escape code"},
      {"{\"a\":\"\n\"}", "invalid character '\\n' in string literal"},
      {"{} x", "invalid character 'x' after top-level value"},
      {R"({"unknown":"a": 9, (,"y":1})", "invalid character ':' after object key:value pair"},
      {R"({"metadata":{"managedFields":[{"fieldsV1":"a": 9, (}]}})", "invalid character ':' after object key:value pair"},
      {"pod", "invalid character 'p' looking for beginning of value"},
      {"[]", "json: cannot unmarshal array into Go value of type v1.Pod"},
      {"1", "json: cannot unmarshal number into Go value of type v1.Pod"},
      {R"({"spec":[]})", "json: cannot unmarshal array into Go struct field Pod.spec of type v1.PodSpec"},
      {R"({"spec":{"nodeName":1}})", "json: cannot unmarshal number into Go struct field PodSpec.spec.nodeName of type string"},
      {R"({"spec":{"hostNetwork":"yes"}})",
       "json: cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type bool"},
      {R"({"spec":{"priority":1.5}})",
       "json: cannot unmarshal number 1.5 into Go struct field PodSpec.spec.priority of type int32"},
      {R"({"spec":{"priority":1.0}})",
       "json: cannot unmarshal number 1.0 into Go struct field PodSpec.spec.priority of type int32"},
      {R"({"spec":{"priority":3000000000}})",
       "json: cannot unmarshal number 3000000000 into Go struct field PodSpec.spec.priority of type int32"},
      {R"({"spec":{"containers":{}}})",
       "json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container"},
      {R"({"spec":{"containers":[{"env":[{"value":1}]}]}})",
       "json: cannot unmarshal number into Go struct field EnvVar.spec.containers.env.value of type string"},
      {R"({"metadata":{"labels":{"a":1}}})",
       "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string"},
      {R"({"metadata":{"labels":[]}})",
       "json: cannot unmarshal array into Go struct field ObjectMeta.metadata.labels of type map[string]string"},
      {R"({"metadata":{"creationTimestamp":1}})",
       "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.creationTimestamp of type string"},
      {R"({"spec":{"dnsPolicy":1}})",
       "json: cannot unmarshal number into Go struct field PodSpec.spec.dnsPolicy of type v1.DNSPolicy"},
      {R"({"spec":{"overhead":[]}})",
       "json: cannot unmarshal array into Go struct field PodSpec.spec.overhead of type v1.ResourceList"},
      {R"({"spec":{"containers":[{"securityContext":{"capabilities":{"add":{}}}}]}})",
       "json: cannot unmarshal object into Go struct field Capabilities.spec.containers.securityContext.capabilities.add of type "
       "[]v1.Capability"},
      {R"({"spec":{"containers":[{"securityContext":{"capabilities":{"add":[1]}}}]}})",
       "json: cannot unmarshal number into Go struct field Capabilities.spec.containers.securityContext.capabilities.add of type "
       "v1.Capability"},
      {R"({"spec":{"volumes":[{"secret":1}]}})",
       "json: cannot unmarshal number into Go struct field Volume.spec.volumes.VolumeSource.secret of type "
       "v1.SecretVolumeSource"},
      {R"({"spec":{"containers":[{"livenessProbe":{"httpGet":{"port":true}}}]}})",
       "json: cannot unmarshal bool into Go struct field "
       "HTTPGetAction.spec.containers.livenessProbe.ProbeHandler.httpGet.port of type int32"},
      {R"({"metadata":{"creationTimestamp":"now"}})",
       R"(parsing time "now" as "2006-01-02T15:04:05Z07:00": cannot parse "now" as "2006")"},
      {R"({"spec":{"overhead":{"cpu":"x"}}})",
       "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"},
      {R"({"spec":{"overhead":{"cpu":01}}})", "invalid character '1' after object key:value pair"},
  };
  for (const auto& [text, expected] : kCases) {
    SCOPED_TRACE(text);
    EXPECT_EQ(error<Pod>(text), expected);
  }
  EXPECT_EQ(error<Secret>(R"({"data":{"a":"a*b="}})"), "illegal base64 data at input byte 1");
  const std::string deep = R"({"foo":)" + std::string(600, '[') + std::string(600, ']') + "}";
  EXPECT_EQ(error<Pod>(deep), "exceeded max depth");
}

TEST(CodecJson, TypeOf) {
  EXPECT_EQ(type_of(R"({"metadata":{"kind":"x"},"apiVersion":"apps/v1","kind":"Deployment"})"),
            (GroupVersionKind{"apps", "v1", "Deployment"}));
  EXPECT_EQ(type_of(R"({"apiVersion":"v1"})"), (GroupVersionKind{"", "v1", ""}));
  const auto why = [](const char* text) {
    try {
      type_of(text);
    } catch (const DecodeError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_EQ(why("{"), "couldn't get version/kind; json parse error: unexpected end of JSON input");
  EXPECT_TRUE(why("[1]").starts_with(
      "couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value of type struct {"));
}

TEST(CodecJson, Numbers) {
  const std::pair<double, const char*> kCases[] = {{0, "0"},
                                                   {1.5, "1.5"},
                                                   {1e20, "100000000000000000000"},
                                                   {1e21, "1e+21"},
                                                   {1e-6, "0.000001"},
                                                   {1e-7, "1e-7"},
                                                   {1.25e-10, "1.25e-10"},
                                                   {-0.5, "-0.5"},
                                                   {1e100, "1e+100"},
                                                   {9007199254740991, "9007199254740991"},
                                                   {9007199254740994, "9007199254740994"},
                                                   {9223372036854775807., "9223372036854776000"},
                                                   {-1.2345e18, "-1234500000000000000"}};
  for (const auto& [value, text] : kCases) {
    std::string out;
    append_json_double(value, out);
    EXPECT_EQ(out, text);
  }
}

TEST(CodecJson, Base64) {
  for (const std::string bytes : {"", "a", "ab", "abc", "abcd"}) {
    std::string text, back;
    append_base64(bytes, text);
    EXPECT_EQ(decode_base64(text, back), "");
    EXPECT_EQ(back, bytes);
  }
  std::string out;
  EXPECT_EQ(decode_base64("aGk=\n", out), "");
  for (const char* bad : {"a", "ab", "abc", "a===", "ab=", "ab=c", "abcd=", "ab==c", "====", "a b="}) {
    out.clear();
    EXPECT_NE(decode_base64(bad, out), "") << bad;
  }
}

}  // namespace
}  // namespace ph::api
