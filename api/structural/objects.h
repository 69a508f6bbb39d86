// Objects of custom kinds: what the text of a request, a document and another version become by the structural schema of their kind.
#pragma once

#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "api/codec.h"
#include "api/object.h"

namespace ph::api::structural {

// From a request's JSON: cut to the schema, metadata read as what it is. What is cut is complained about as options say. Throws
// DecodeError.
Object read_object(const Schema& schema, std::string_view text, const DecodeOptions& options);
// The same of a document, after a patch.
Object read_object(const Schema& schema, nlohmann::json document, const DecodeOptions& options);

// As another version of its kind, without a conversion of its own: what that version does not have is cut, its defaults come in.
Object as_version(const Object& object, const Schema& to);

}  // namespace ph::api::structural
