// Any text as the answer of a conversion webhook: refused, or objects that are what was asked for.
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/encoded.h"
#include "api/structural/structural.h"
#include "apiserver/extensions/conversion_review.h"
#include "base/assert.h"
#include "tests/fuzz/fuzzers.h"

namespace ph::fuzz {
namespace {

using namespace ph::apiserver;
using api::structural::Structural;

std::shared_ptr<const Structural> version(const std::string& name) {
  apiextensions::v1::JSONSchemaProps schema;
  api::from_json(nlohmann::json::parse(R"({"type":"object","properties":{"spec":{"type":"object","properties":{
      "host":{"type":"string","default":"h"},"port":{"type":"integer"},
      "any":{"type":"object","x-kubernetes-preserve-unknown-fields":true},
      "pod":{"type":"object","x-kubernetes-embedded-resource":true,"x-kubernetes-preserve-unknown-fields":true}}}}})"),
                 schema);
  return Structural::build(schema, {"conv.example.com", name, "Thing"});
}

api::Object thing(const api::Schema& schema, const std::string& name) {
  meta::v1::ObjectMeta metadata;
  metadata.set_name(name);
  metadata.set_namespace_("default");
  metadata.set_uid("u");
  (*metadata.mutable_labels())["l"] = "1";
  metadata.add_finalizers("f");
  return {schema, std::move(metadata), {{"spec", {{"host", "a"}}}}};
}

void check(const std::string& text, std::string_view review, std::span<const api::Object> objects, const api::Schema& to) {
  try {
    const std::vector<api::Object> out = read_conversion_review(text, review, "q", objects, to);
    PH_ASSERT(out.size() == objects.size());
    for (std::size_t i = 0; i < out.size(); ++i) {
      PH_ASSERT(out[i].schema().kind == to.kind);
      meta::v1::ObjectMeta after = out[i].metadata(), before = objects[i].metadata();
      for (auto* metadata : {&after, &before}) {
        metadata->clear_labels();
        metadata->clear_annotations();
      }
      PH_ASSERT(after.SerializeAsString() == before.SerializeAsString());
      (void)api::decode_stored(to, api::encode_stored(out[i]));
    }
  } catch (const FailedConversion& error) {
    PH_ASSERT(*error.what() != '\0');
  }
}

}  // namespace

void conversion(std::string_view text) {
  static const auto kFrom = version("v1"), kTo = version("v2");
  static const std::vector<api::Object> kObjects = [] {
    std::vector<api::Object> out;
    for (const char* name : {"a", "b"}) out.push_back(thing(kFrom->schema(), name));
    return out;
  }();
  for (const char* review : {"v1", "v1beta1"}) {
    for (const std::size_t count : {1, 2}) check(std::string(text), review, std::span(kObjects).first(count), kTo->schema());
  }
}

}  // namespace ph::fuzz
