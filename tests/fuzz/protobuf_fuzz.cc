// Any bytes as a stored object, with or without its envelope and the store's record around it: refused, or its normal form
// stays as it is, and every way to JSON agrees.
#include <google/protobuf/message.h>

#include "api/codec.h"
#include "api/kinds.h"
#include "apiserver/storage/records.h"
#include "base/assert.h"
#include "tests/fuzz/fuzzers.h"

namespace ph::fuzz {
namespace {

using namespace ph::api;

// Raw JSON of any bytes may have no JSON form.
bool to_json_text(const Schema& schema, std::string_view bytes, std::string& out) {
  try {
    transcode_to_json(schema, bytes, true, out);
  } catch (const DecodeError&) {
    return false;
  }
  return true;
}

void check_object(const Schema& schema, std::string_view bytes) {
  const auto object = Scheme::builtin().make(schema);
  try {
    labels_of(bytes);
    scalar_at(schema, bytes, "metadata.name");
    scalar_at(schema, bytes, "spec.nodeName");
    decode_protobuf(bytes, *object);
  } catch (const DecodeError&) {
    std::string out;
    to_json_text(schema, bytes, out);
    return;
  }
  const std::string normal = encode_protobuf(*object);
  const auto again = Scheme::builtin().make(schema);
  decode_protobuf(normal, *again);
  PH_ASSERT(encode_protobuf(*again) == normal);
  std::string from_normal;
  if (to_json_text(schema, normal, from_normal)) PH_ASSERT(encode_json(*again) == from_normal);
  // Of other bytes quantities show as they stand there: they are canonical when they have been read.
  std::string from_bytes;
  if (!to_json_text(schema, bytes, from_bytes)) return;
  const auto read_and_written = [&](const std::string& json) {
    const auto read = Scheme::builtin().make(schema);
    decode_json(json, *read, {.unknown = Unknown::Strict});
    return encode_json(*read);
  };
  PH_ASSERT(read_and_written(from_bytes) == read_and_written(encode_json(*object)));
}

// What is inside the envelope, and the revision spliced into it.
void check_envelope(std::string_view bytes) {
  Envelope envelope;
  try {
    envelope = open_envelope(bytes);
  } catch (const DecodeError&) {
    return;
  }
  const Schema* schema = Scheme::builtin().find(envelope.kind);
  // Only what is stored has metadata to put a revision into; options, for one, have none.
  const bool stored = !schema || Scheme::builtin().resource(*schema) != nullptr;
  if (!schema) schema = &schema_of<core::v1::Pod>();
  check_object(*schema, envelope.raw);
  if (!stored) return;
  std::string served;
  try {
    served = with_resource_version(bytes, "7");
  } catch (const DecodeError&) {
    return;
  }
  const std::string_view raw = open_envelope(served).raw;
  PH_ASSERT(scalar_at(schema_of<core::v1::Pod>(), raw, "metadata.resourceVersion") == "7");
  // Once more changes nothing.
  PH_ASSERT(with_resource_version(served, "7") == served);
}

void check_records(std::string_view bytes) {
  using namespace ph::apiserver;
  if (const auto value = decode_value(bytes)) {
    std::string again;
    encode_value(again, value->created, value->modified, value->value);
    PH_ASSERT(again == bytes);
    check_envelope(value->value);
  }
  if (const auto record = decode_history(bytes)) {
    const std::string written = encode_history(*record);
    const auto again = decode_history(written);
    PH_ASSERT(again && encode_history(*again) == written);
    PH_ASSERT(again->key == record->key && again->author == record->author && again->previous == record->previous);
    PH_ASSERT(written.size() <= bytes.size());
  }
  if (const auto revision = decode_revision(bytes)) PH_ASSERT(encode_revision(*revision) == bytes);
  const Revision revision = revision_of_history_key(bytes);
  PH_ASSERT(bytes.size() != 12 || history_key(revision, 0).substr(0, 8) == bytes.substr(0, 8));
}

}  // namespace

void protobuf(std::string_view bytes) {
  check_object(schema_of<core::v1::Pod>(), bytes);
  check_envelope(bytes);
  check_records(bytes);
}

}  // namespace ph::fuzz
