// Patches as they arrive: their type, and what they make of an object.
#pragma once

#include <memory>

#include "api/codec.h"
#include "apiserver/rest/core.h"

namespace ph::apiserver {

enum class PatchType { Json, Merge, Strategic };

// By Content-Type; throws ApiError (415).
PatchType patch_type(const HttpRequest& request);

// The object after the patch, defaulted. Throws ApiError: 400 for a malformed patch, 413 for too much of one, 422 for one that
// does not fit or does not make an object of the kind, 500 for what upstream answers so.
api::Object apply_patch(PatchType type, const std::string& patch, const api::Object& object, api::Unknown unknown,
                        std::vector<std::string>& warnings);

}  // namespace ph::apiserver
