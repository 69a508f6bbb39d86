#include "controllers/common/amounts.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <string_view>

namespace ph::controllers {

int scaled(const meta::v1::IntOrString& value, int total, bool round_up) {
  if (value.type() == 0) return value.int_val();
  std::string_view text = value.str_val();
  if (!text.ends_with('%')) return 0;
  text.remove_suffix(1);
  int percent = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), percent);
  if (error != std::errc() || end != text.data() + text.size()) return 0;
  const std::int64_t part = (std::int64_t{percent} * total + (round_up ? 99 : 0)) / 100;
  using Limits = std::numeric_limits<int>;
  return static_cast<int>(std::clamp<std::int64_t>(part, Limits::min(), Limits::max()));
}

}  // namespace ph::controllers
