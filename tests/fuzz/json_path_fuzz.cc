// Any text as a path of a printer column: refused, or it ends, and what it finds is within the document.
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/structural/json_path.h"
#include "api/structural/scale.h"
#include "base/assert.h"
#include "tests/fuzz/fuzzers.h"

namespace ph::fuzz {
namespace {

using Json = nlohmann::json;

bool is_within(const Json& document, const Json* value) {
  if (&document == value) return true;
  if (!document.is_structured()) return false;
  return std::ranges::any_of(document, [value](const Json& inner) { return is_within(inner, value); });
}

}  // namespace

void json_path(std::string_view text) {
  static const Json document =
      Json::parse(R"({"a":1,"b":[1,2,{"a":"x","c":null}],"metadata":{"a":1},"spec":{"b":{"c":[[1],[2,3]]},"s":"t","f":1.5}})");
  for (const std::string_view type : {"string", "integer", "date"}) {
    try {
      const auto path = api::structural::JsonPath::parse(text);
      for (const Json* found : path.find(document)) PH_ASSERT(is_within(document, found));
      api::structural::table_cell(type, path, document, nullptr, Time());
      api::structural::selectable_text(path, document);
    } catch (const api::DecodeError&) {
    }
  }
  api::structural::value_at(document, text);
  api::structural::replicas_at(document, text);
}

}  // namespace ph::fuzz
