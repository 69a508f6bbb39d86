#include "apiserver/authn/oidc/expressions.h"

#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apiserver/admission/webhook/conditions.h"

namespace ph::apiserver::oidc {

namespace cel = api::cel;

namespace {

constexpr std::string_view name_of(Of of) { return of == Of::Claims ? "claims" : "user"; }

}  // namespace

cel::Expression compile(std::string_view text, Of of) {
  const std::array<std::string_view, 1> names{name_of(of)};
  return cel::Expression::compile(text, names);
}

std::string expression_problem(std::string_view text, Of of) {
  try {
    (void)compile(text, of);
    return {};
  } catch (const cel::Error& error) {
    return fmt::format("compilation failed: {}", error.what());
  }
}

bool mentions(std::string_view text, std::string_view claim) {
  if (text.empty()) return false;
  try {
    return compile(text, Of::Claims).mentions("claims", claim);
  } catch (const cel::Error&) {
    return false;
  }
}

cel::Value evaluate(const cel::Expression& expression, Of of, const nlohmann::json& document) {
  return expression.evaluate({{std::string(name_of(of)), webhook::value_of(document)}});
}

}  // namespace ph::apiserver::oidc
