// Any bytes as YAML: refused, or made into one JSON value, which YAML writes and reads again.
#include <cstdint>

#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/json_text.h"
#include "base/assert.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ph::api;
  std::string json;
  try {
    json = yaml_to_json(std::string_view(reinterpret_cast<const char*>(data), size));
  } catch (const DecodeError&) {
    return 0;
  }
  PH_ASSERT(json_syntax_error(json, 10'000).empty());
  const auto document = nlohmann::json::parse(json, nullptr, false);
  if (document.is_discarded()) return 0;  // numbers and text that only Go reads
  const std::string yaml = json_to_yaml(document);
  PH_ASSERT(nlohmann::json::parse(yaml_to_json(yaml)) == document);
  return 0;
}
