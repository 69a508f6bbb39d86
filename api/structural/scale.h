// The paths of a custom kind's scale: `.spec.replicas`, members of objects only.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "api/rules.h"
#include "apiextensions/v1.pb.h"

namespace ph::api::structural {

using ScalePaths = apiextensions::v1::CustomResourceSubresourceScale;

// Null when nothing is there.
const nlohmann::json* value_at(const nlohmann::json& document, std::string_view path);
// Sets it, making the objects on the way. Throws DecodeError when something else stands there.
void set_value_at(nlohmann::json& document, std::string_view path, nlohmann::json value);

// The number of replicas at a path, the selector; nothing when there is none. What is there must be of the type:
// `validate_scale`.
std::optional<std::int64_t> replicas_at(const nlohmann::json& document, std::string_view path);
std::string selector_at(const nlohmann::json& document, std::string_view path);

// Writes of the object check what its scale shows: integers that are not negative and fit 32 bits, a selector that is text. Runs
// after the schema's own rules.
void validate_scale(const ScalePaths& paths, const nlohmann::json& document, Errors& errors);

}  // namespace ph::api::structural
