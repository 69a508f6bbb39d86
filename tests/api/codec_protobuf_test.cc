#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/convert.h"
#include "api/kinds.h"
#include "api/object.h"
#include "api/wire.h"

namespace ph::api {
namespace {

using core::v1::Pod;
using testing::ElementsAre;
using testing::Pair;

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return out;
}

Pod make_pod() {
  Pod pod;
  decode_json(R"({"metadata":{"name":"a","namespace":"n","uid":"u","labels":{"z":"1","a":"2","m":"3"}},
                  "spec":{"nodeName":"node","containers":[{"name":"c","image":"i","resources":{"requests":{"cpu":"1","memory":"1Gi"}}}],
                          "terminationGracePeriodSeconds":0,"securityContext":{"supplementalGroups":[1,2]}},
                  "status":{"phase":"Running","startTime":"2024-01-02T03:04:05Z"}})",
              pod);
  return pod;
}

std::string error(std::string_view bytes) {
  try {
    Pod pod;
    decode_protobuf(bytes, pod);
  } catch (const DecodeError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(CodecProtobuf, ZerosOfValuesAreWritten) {
  coordination::v1::Lease lease;
  // metadata with its eight value members, spec with none: all of them are pointers
  EXPECT_EQ(hex(encode_protobuf(lease)), "0a100a0012001a0022002a003200380042001200");
}

TEST(CodecProtobuf, RoundTripsAndIsStable) {
  const Pod pod = make_pod();
  const std::string bytes = encode_protobuf(pod);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(encode_protobuf(make_pod()), bytes) << "the order of maps shows";
  Pod back;
  decode_protobuf(bytes, back);
  EXPECT_EQ(encode_protobuf(back), bytes);
  EXPECT_EQ(encode_json(back), encode_json(pod));
}

TEST(CodecProtobuf, ForeignFormsAreUnderstood) {
  const Pod pod = make_pod();
  const std::string bytes = encode_protobuf(pod);
  std::string unknown = bytes;
  wire::Writer(unknown).bytes(99, "from the future");
  std::string split = bytes;  // a second status that adds a reason
  core::v1::PodStatus more;
  more.set_reason("Why");
  wire::Writer(split).bytes(3, more.SerializeAsString());
  core::v1::Pod loose;
  (*loose.mutable_spec()->mutable_overhead())["cpu"].set_string("1000m");

  Pod out;
  decode_protobuf(unknown, out);
  EXPECT_EQ(encode_protobuf(out), bytes);
  EXPECT_TRUE(out.GetReflection()->GetUnknownFields(out).empty());
  decode_protobuf(split, out);
  EXPECT_EQ(out.status().reason(), "Why");
  EXPECT_EQ(out.status().phase(), "Running");
  std::string json;
  transcode_to_json(schema_of<Pod>(), split, true, json);
  EXPECT_EQ(json, encode_json(out));
  decode_protobuf(loose.SerializeAsString(), out);
  EXPECT_EQ(out.spec().overhead().at("cpu").string(), "1");
  // proto3 packs numbers; upstream does not, and we write its form.
  EXPECT_NE(pod.SerializeAsString(), bytes);
  decode_protobuf(pod.SerializeAsString(), out);
  EXPECT_EQ(encode_protobuf(out), bytes);
}

TEST(CodecProtobuf, DamageIsRefused) {
  const std::string bytes = encode_protobuf(make_pod());
  EXPECT_EQ(error(bytes), "accepted");
  int accepted = 0;
  for (std::size_t size = 1; size < bytes.size(); ++size) accepted += error(bytes.substr(0, size)) == "accepted";
  EXPECT_EQ(accepted, 2) << "only at the seams of metadata, spec and status";
  EXPECT_EQ(error("\x0a\x05"), "unexpected EOF");
  EXPECT_EQ(error(std::string("\x08\x01", 2)), "proto: wrong wireType = 0 for field Metadata");
  EXPECT_EQ(error("\x0b"), "proto: illegal wireType 3");
  EXPECT_EQ(error(std::string(11, '\xff')), "proto: integer overflow");
  EXPECT_EQ(error("\x0a\x03\x0a\x01\xff"), "string field contains invalid UTF-8");
  core::v1::Pod bad;
  (*bad.mutable_spec()->mutable_overhead())["cpu"].set_string("much");
  EXPECT_TRUE(error(bad.SerializeAsString()).starts_with("quantities must match"));
}

TEST(CodecProtobuf, Envelope) {
  const Pod pod = make_pod();
  const std::string bytes = encode_envelope(pod);
  const Envelope envelope = open_envelope(bytes);
  EXPECT_EQ(envelope.kind, (GroupVersionKind{"", "v1", "Pod"}));
  EXPECT_EQ(envelope.raw, encode_protobuf(pod));
  EXPECT_EQ(open_envelope(encode_envelope(apps::v1::Deployment())).kind, (GroupVersionKind{"apps", "v1", "Deployment"}));
  EXPECT_THROW(open_envelope("{}"), DecodeError);
  EXPECT_THROW(open_envelope(bytes.substr(0, bytes.size() - 5)), DecodeError);
}

TEST(CodecProtobuf, ResourceVersionIsSplicedIn) {
  Pod pod = make_pod();
  const std::string stored = encode_envelope(pod);
  for (const char* revision : {"1", "123456789012345678"}) {
    pod.mutable_metadata()->set_resource_version(revision);
    EXPECT_EQ(with_resource_version(stored, revision), encode_envelope(pod));
    EXPECT_EQ(with_resource_version(encode_envelope(pod), revision), encode_envelope(pod));
  }
  // Large objects: lengths take more bytes.
  (*pod.mutable_metadata()->mutable_annotations())["a"] = std::string(20000, 'x');
  EXPECT_EQ(with_resource_version(encode_envelope(pod), "77"), [&] {
    pod.mutable_metadata()->set_resource_version("77");
    return encode_envelope(pod);
  }());
}

TEST(CodecProtobuf, AnswersFromBytes) {
  const std::string bytes = encode_protobuf(make_pod());
  const Schema& schema = schema_of<Pod>();
  const std::pair<const char*, const char*> kCases[] = {
      {"metadata.name", "a"},        {"metadata.namespace", "n"},
      {"spec.nodeName", "node"},     {"status.phase", "Running"},
      {"spec.hostNetwork", "false"}, {"spec.terminationGracePeriodSeconds", "0"},
      {"spec.schedulerName", ""},    {"status.startTime", "2024-01-02T03:04:05Z"},
      {"metadata.nothing", ""},      {"spec.containers", ""},
      {"metadata.generation", "0"}};
  for (const auto& [path, value] : kCases) EXPECT_EQ(scalar_at(schema, bytes, path), value) << path;
  EXPECT_EQ(scalar_at(schema, "", "spec.nodeName"), "");
  EXPECT_THAT(labels_of(bytes), ElementsAre(Pair("a", "2"), Pair("m", "3"), Pair("z", "1")));
  EXPECT_THAT(labels_of(""), ElementsAre());
  meta::v1::ObjectMeta metadata;
  decode_protobuf(metadata_bytes(bytes), metadata);
  EXPECT_EQ(metadata.name(), "a");
}

TEST(CodecProtobuf, AnObjectWithinRawBytesIsShownAsJson) {
  meta::v1::WatchEvent event;
  event.set_type("ADDED");
  event.mutable_object()->set_raw(encode_envelope(core::v1::ConfigMap()));
  EXPECT_EQ(encode_json(event), R"({"type":"ADDED","object":{"kind":"ConfigMap","apiVersion":"v1","metadata":{}}})");
  event.mutable_object()->set_raw("{");
  EXPECT_THROW(encode_json(event), DecodeError);
  event.mutable_object()->clear_raw();
  EXPECT_EQ(encode_json(event), R"({"type":"ADDED","object":null})");
}

TEST(CodecProtobuf, EventsOfBothGroups) {
  core::v1::Event event;
  decode_json(
      R"({"metadata":{"name":"e"},"involvedObject":{"kind":"Pod","name":"p"},"reason":"R","message":"M","source":{"component":"c","host":"h"},
                  "firstTimestamp":"2024-01-02T03:04:05Z","lastTimestamp":"2024-01-02T03:04:06Z","count":3,"type":"Normal",
                  "eventTime":"2024-01-02T03:04:05.000001Z","series":{"count":2,"lastObservedTime":"2024-01-02T03:04:07.000001Z"},"action":"A",
                  "related":{"name":"r"},"reportingComponent":"rc","reportingInstance":"ri"})",
      event);
  const events::v1::Event other = convert_event(event);
  EXPECT_EQ(other.note(), "M");
  EXPECT_EQ(other.regarding().name(), "p");
  EXPECT_EQ(encode_json(convert_event(other)), encode_json(event));
}

TEST(CodecProtobuf, MetadataOfAnyObject) {
  Pod pod = make_pod();
  EXPECT_EQ(metadata(pod).name(), "a");
  mutable_metadata(pod).set_name("b");
  EXPECT_EQ(pod.metadata().name(), "b");
  EXPECT_EQ(key_of(pod).text(), "n/b");
}

}  // namespace
}  // namespace ph::api
