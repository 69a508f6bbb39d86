// What becomes of a request by the word of a webhook: a refusal in its words, or a patched object. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "api/errors.h"
#include "api/object.h"

namespace ph::apiserver::webhook {

// The webhook says no; `status` is what it says of that.
api::ApiError denied(std::string_view webhook, std::optional<meta::v1::Status> status);
// A dry run, and it says that it would do more than answer.
api::ApiError no_dry_run(std::string_view webhook);

struct Patched {
  api::Object object;  // with its defaults
  bool changed = false;
};
// The object after a patch, as an object of the same kind; `document` is the object as it was shown. Throws ApiError, 500 as upstream:
// the patch cannot be read or carried out, or what it makes is no such object.
Patched patched(std::string_view webhook, const api::Schema& schema, const nlohmann::json& document, const std::string& patch);

}  // namespace ph::apiserver::webhook
