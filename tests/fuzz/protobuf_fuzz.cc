// Any bytes as a stored pod: refused, or its normal form stays as it is, and every way to JSON agrees.
#include <cstdint>

#include "api/codec.h"
#include "api/kinds.h"
#include "base/assert.h"

namespace {

// Raw JSON of any bytes may have no JSON form.
bool to_json_text(const ph::api::Schema& schema, std::string_view bytes, std::string& out) {
  try {
    ph::api::transcode_to_json(schema, bytes, true, out);
  } catch (const ph::api::DecodeError&) {
    return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ph::api;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Schema& schema = schema_of<ph::core::v1::Pod>();
  try {
    with_resource_version(bytes, "7");
  } catch (const DecodeError&) {
  }
  ph::core::v1::Pod pod;
  try {
    labels_of(bytes);
    scalar_at(schema, bytes, "spec.nodeName");
    decode_protobuf(bytes, pod);
  } catch (const DecodeError&) {
    std::string out;
    to_json_text(schema, bytes, out);
    return 0;
  }
  const std::string normal = encode_protobuf(pod);
  ph::core::v1::Pod again;
  decode_protobuf(normal, again);
  PH_ASSERT(encode_protobuf(again) == normal);
  std::string from_normal;
  if (to_json_text(schema, normal, from_normal)) PH_ASSERT(encode_json(again) == from_normal);
  return 0;
}
