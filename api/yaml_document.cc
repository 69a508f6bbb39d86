#include "api/yaml_document.h"

#include <nlohmann/json.hpp>

#include "api/codec.h"

namespace ph::api {

nlohmann::json yaml_document(std::string_view text) {
  try {
    return nlohmann::json::parse(yaml_to_json(text));
  } catch (const nlohmann::json::parse_error& error) {
    throw DecodeError(error.what());
  }
}

}  // namespace ph::api
