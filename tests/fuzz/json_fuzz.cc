// Any bytes as the JSON of the kind they name (a pod when they name none): refused, or read to something that is written and
// read again the same; what the strict reader takes the others take, to the same effect.
#include <algorithm>

#include <google/protobuf/message.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/json_text.h"
#include "api/kinds.h"
#include "base/assert.h"
#include "tests/fuzz/fuzzers.h"

namespace ph::fuzz {
namespace {

using namespace ph::api;
using google::protobuf::Message;

const Schema& schema_for(std::string_view text) {
  try {
    if (const Schema* schema = Scheme::builtin().find(type_of(text))) return *schema;
  } catch (const DecodeError&) {
  }
  return schema_of<core::v1::Pod>();
}

bool reads(std::string_view text, Message& into, const DecodeOptions& options) {
  try {
    decode_json(text, into, options);
    return true;
  } catch (const DecodeError& error) {
    PH_ASSERT(std::string_view(error.what()).size() < 64 * 1024);  // complaints are bounded
    return false;
  }
}

// Raw JSON is kept as it was read, and written with what HTML would take escaped: it comes back as other bytes.
bool holds_escapes(std::string_view written) {
  constexpr std::string_view kEscapes[]{"\\u003c", "\\u003e", "\\u0026", "\\u2028", "\\u2029"};
  return std::ranges::any_of(kEscapes, [&](std::string_view escape) { return written.find(escape) != std::string_view::npos; });
}

void check_written(const Schema& schema, const Message& object) {
  const std::string written = encode_json(object);
  PH_ASSERT(json_syntax_error(written, 10'000).empty());
  PH_ASSERT(json_syntax_error(indent_json(written), 10'000).empty());
  const auto again = Scheme::builtin().make(schema);
  decode_json(written, *again, {.unknown = Unknown::Strict});
  PH_ASSERT(encode_json(*again) == written);
  const nlohmann::json document = to_json(object);
  PH_ASSERT(to_json(*again) == document);
  const std::string bytes = encode_protobuf(object);
  if (!holds_escapes(written)) PH_ASSERT(encode_protobuf(*again) == bytes);

  std::string transcoded;
  transcode_to_json(schema, bytes, true, transcoded);
  PH_ASSERT(transcoded == written);

  // The way through a document, which puts the members of raw JSON in order.
  const auto from_document = Scheme::builtin().make(schema);
  from_json(document, *from_document, {.unknown = Unknown::Strict});
  PH_ASSERT(to_json(*from_document) == document);
}

}  // namespace

void json(std::string_view text) {
  const Schema& schema = schema_for(text);
  const auto loose = Scheme::builtin().make(schema);
  const auto warned = Scheme::builtin().make(schema);
  const auto strict = Scheme::builtin().make(schema);
  std::vector<std::string> warnings;
  const bool accepted = reads(text, *loose, {});
  PH_ASSERT(reads(text, *warned, {.unknown = Unknown::Warn, .warnings = &warnings}) == accepted);
  const bool strictly = reads(text, *strict, {.unknown = Unknown::Strict});
  if (strictly) PH_ASSERT(accepted);
  if (accepted) PH_ASSERT(strictly == warnings.empty());
  if (!accepted) return;
  PH_ASSERT(json_syntax_error(text, 10'000).empty());
  const std::string bytes = encode_protobuf(*loose);
  PH_ASSERT(encode_protobuf(*warned) == bytes);
  if (strictly) PH_ASSERT(encode_protobuf(*strict) == bytes);
  check_written(schema, *loose);
}

}  // namespace ph::fuzz
