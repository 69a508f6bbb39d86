// A custom kind's schema on the first line, a document on the rest: whatever the schema says, building it, cutting, filling and
// judging documents and looking at them as generic code does end, agree with themselves and touch nothing they should not.
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/kinds.h"
#include "api/patch/field_set.h"
#include "api/structural/document.h"
#include "api/structural/structural.h"
#include "api/value.h"
#include "base/assert.h"
#include "tests/fuzz/fuzzers.h"

namespace ph::fuzz {
namespace {

using namespace ph::api;
using Json = nlohmann::json;

void check_fields(Json& document, const Schema& schema) {
  FieldSet fields;
  try {
    fields = fields_of(Value::of(document, schema));
  } catch (const DecodeError&) {
    return;  // quantities of embedded metadata, say
  }
  PH_ASSERT(FieldSet::from_fields_v1(fields.fields_v1()).fields_v1() == fields.fields_v1());
  PH_ASSERT(Value::equal(Value::of(document, schema), Value::of(document, schema)));
}

void check_document(const structural::Structural& schema, const Json& document) {
  Json now = document;
  std::vector<std::string> unknown;
  schema.prune(now, &unknown);
  if (unknown.empty()) PH_ASSERT(now == document);
  Json again = now;
  std::vector<std::string> nothing;
  schema.prune(again, &nothing);
  PH_ASSERT(nothing.empty() && again == now);

  schema.apply_defaults(now);
  again = now;
  schema.apply_defaults(again);
  PH_ASSERT(again == now);

  Errors errors;
  schema.validate(now, errors);
  PH_ASSERT(errors.list().size() <= 1001);
  Errors update;
  schema.validate_update(now, now, update);
  schema.coerce(now, true, update);
  check_fields(now, schema.schema());

  std::string text;
  structural::append_document(now, text);
  std::string twice;
  structural::append_document(structural::read_document(text), twice);
  PH_ASSERT(twice == text);
}

}  // namespace

void schema(std::string_view input) {
  const auto line = std::min(input.find('\n'), input.size());
  structural::JSONSchemaProps props;
  try {
    decode_json(input.substr(0, line), props);
  } catch (const DecodeError&) {
    return;
  }
  const auto built = structural::Structural::build(props, {"g.io", "v1", "K"});
  structural::unrecognized_formats(props);
  structural::pattern_error(props.pattern());
  try {
    check_document(*built, structural::read_document(input.substr(std::min(line + 1, input.size()))));
  } catch (const DecodeError&) {
    return;  // no document
  }
}

}  // namespace ph::fuzz
