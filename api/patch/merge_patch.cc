// RFC 7386, and the reading of null upstream's library adds: nulls never get into the document, however deep.
#include <nlohmann/json.hpp>

#include "api/patch/patch.h"

namespace ph::api {
namespace {

using Json = nlohmann::json;

Json without_nulls(const Json& value) {
  if (value.is_array()) {
    Json out = Json::array();
    for (const Json& item : value) out.push_back(without_nulls(item));
    return out;
  }
  if (!value.is_object()) return value;
  Json out = Json::object();
  for (const auto& [name, member] : value.items()) {
    if (!member.is_null()) out[name] = without_nulls(member);
  }
  return out;
}

void merge(Json& target, const Json& patch) {
  for (const auto& [name, value] : patch.items()) {
    if (value.is_null()) {
      target.erase(name);
      continue;
    }
    const auto found = target.find(name);
    if (value.is_object() && found != target.end() && found->is_object()) {
      merge(*found, value);
    } else {
      target[name] = without_nulls(value);
    }
  }
}

}  // namespace

Json merge_patch(Json document, const Json& patch) {
  if (!patch.is_object()) throw DecodeError("Invalid JSON Patch");
  if (!document.is_object()) document = Json::object();
  merge(document, patch);
  return document;
}

}  // namespace ph::api
