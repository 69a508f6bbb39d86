// The expressions in CEL of an AuthenticationConfiguration.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "api/cel/expression.h"

namespace ph::apiserver::oidc {

enum class Of { Claims, User };  // which variable it knows: `claims`, or `user`

// Throws api::cel::Error.
api::cel::Expression compile(std::string_view text, Of of);
// Why it cannot be read, in upstream's form; empty: it can.
std::string expression_problem(std::string_view text, Of of);
// Whether it looks at that claim; what cannot be read looks at nothing.
bool mentions(std::string_view text, std::string_view claim);
// Its value of a document: the claims, or the user. Throws api::cel::Error.
api::cel::Value evaluate(const api::cel::Expression& expression, Of of, const nlohmann::json& document);

}  // namespace ph::apiserver::oidc
