// Any bytes as YAML: refused, or made into one JSON value, which YAML writes and reads again. JSON passes unchanged.
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/json_text.h"
#include "base/assert.h"
#include "tests/fuzz/fuzzers.h"

namespace ph::fuzz {

void yaml(std::string_view text) {
  using namespace ph::api;
  std::string json;
  try {
    json = yaml_to_json(text);
  } catch (const DecodeError&) {
    return;
  }
  PH_ASSERT(json_syntax_error(json, 10'000).empty());
  PH_ASSERT(json.size() <= (33u << 20));  // aliases do not make small texts endless
  const auto document = nlohmann::json::parse(json, nullptr, false);
  if (document.is_discarded()) return;  // numbers and text that only Go reads
  const std::string written = json_to_yaml(document);
  PH_ASSERT(nlohmann::json::parse(yaml_to_json(written)) == document);
  // YAML again, not through the document: what has become JSON stays as it is.
  PH_ASSERT(nlohmann::json::parse(yaml_to_json(json)) == document);
}

}  // namespace ph::fuzz
