// The object a request carries.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/codec.h"
#include "api/object_rules.h"
#include "apiserver/rest/core.h"

namespace ph::apiserver {

// Decodes the body as `schema` and sets its defaults. A body that names no kind is taken to be of the expected one.
// Throws ApiError: 400 with upstream's words, 415. Unknown fields go to `warnings` when they are to be warned of.
// `also`: what it may say it is besides: another version that has the same members.
api::Object read_body(const HttpRequest& request, const api::Schema& schema, api::Unknown unknown,
                      std::vector<std::string>& warnings, const api::GroupVersionKind* also = nullptr);
// What a body says it is: parts of it may be missing. Nothing when that cannot be read.
std::optional<api::GroupVersionKind> kind_of_body(const HttpRequest& request);

// Why a document, after a patch, is not an object of the kind: it says it is another. Empty when it is one.
std::string kind_error(const nlohmann::json& document, const api::Schema& schema);

// A list of managed fields that is there but empty asks for none, which the object cannot tell from one that does not speak of
// them: it gets the one empty entry that asks for the same.
void note_emptied_managers(const nlohmann::json& document, api::Object& object);

using api::set_defaults;

}  // namespace ph::apiserver
