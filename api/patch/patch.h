// The three patches on JSON documents. The document and the patch are values; the result is a new document.
// Errors are DecodeError (400) for a patch that is malformed and ApplyError (422) for one that does not fit the document.
#pragma once

#include <stdexcept>

#include <nlohmann/json_fwd.hpp>

#include "api/codec.h"
#include "api/schema.h"

namespace ph::api {

class ApplyError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// RFC 6902; at most 10,000 operations; a copy may not make the document larger than 3 MiB.
nlohmann::json json_patch(const nlohmann::json& document, const nlohmann::json& patch);
// RFC 7386.
nlohmann::json merge_patch(const nlohmann::json& document, const nlohmann::json& patch);
// Strategic merge by the schema's merge keys, with the directives $patch, $retainKeys, $setElementOrder/… and
// $deleteFromPrimitiveList/….
nlohmann::json strategic_merge_patch(const Schema& schema, const nlohmann::json& document, const nlohmann::json& patch);

}  // namespace ph::api
