// Any bytes as a JSON pod: refused, or read to something that is written and read again the same.
#include <cstdint>
#include <cstdlib>

#include "api/codec.h"
#include "api/json_text.h"
#include "api/kinds.h"
#include "base/assert.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ph::api;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  ph::core::v1::Pod pod;
  std::vector<std::string> warnings;
  try {
    type_of(text);
  } catch (const DecodeError&) {
  }
  try {
    decode_json(text, pod, {.unknown = Unknown::Warn, .warnings = &warnings});
  } catch (const DecodeError&) {
    return 0;
  }
  PH_ASSERT(json_syntax_error(text, 10'000).empty());
  const std::string written = encode_json(pod);
  PH_ASSERT(json_syntax_error(written, 10'000).empty());
  PH_ASSERT(json_syntax_error(indent_json(written), 10'000).empty());
  ph::core::v1::Pod again;
  decode_json(written, again, {.unknown = Unknown::Strict});
  PH_ASSERT(encode_json(again) == written);
  PH_ASSERT(encode_protobuf(again) == encode_protobuf(pod));
  return 0;
}
