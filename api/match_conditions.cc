#include "api/match_conditions.h"

#include <fmt/format.h>

namespace ph::api {

cel::Expression compile_match_condition(std::string_view text) {
  static constexpr std::string_view kNames[] = {"object", "oldObject", "request"};
  return cel::Expression::compile(text, kNames);
}

std::string match_condition_error(std::string_view text) {
  try {
    (void)compile_match_condition(text);
  } catch (const cel::Error& error) {
    return fmt::format("compilation failed: {}", error.what());
  }
  // One that looks at nothing is worth the same for every request. Of others the type shows when they are evaluated.
  try {
    const cel::Value value = cel::Expression::compile(text, {}).evaluate({});
    if (value.as<bool>() == nullptr) return fmt::format("must evaluate to bool but got {}", value.type_name());
  } catch (const cel::Error&) {
  }
  return {};
}

}  // namespace ph::api
