// Decimal: whole decimal numbers of any size, as a coefficient and a power of ten. Internal to Quantity.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace ph::api {

// coefficient × 10^exponent. The coefficient has no zeros at its ends; zero is an empty one. Costs nothing of what the exponent
// says: 1e2000000000 is one digit long.
class Decimal {
 public:
  Decimal() = default;
  // `digits`: decimal digits alone, zeros at either end allowed.
  Decimal(bool negative, std::string digits, std::int64_t exponent);

  bool negative() const { return negative_; }
  bool is_zero() const { return digits_.empty(); }
  const std::string& digits() const { return digits_; }
  std::int64_t exponent() const { return exponent_; }
  // How many digits the number has when it is written out, from the first one to that of 10^0.
  std::int64_t length() const { return is_zero() ? 0 : static_cast<std::int64_t>(digits_.size()) + exponent_; }

  Decimal negated() const;
  // The multiple of 10^`exponent` that is next, away from zero.
  Decimal rounded_up(std::int64_t exponent) const;
  // Exact, unless the two lie more than a thousand digits apart: then the lesser one is left out.
  friend Decimal operator+(const Decimal& a, const Decimal& b);
  std::strong_ordering operator<=>(const Decimal& other) const;
  bool operator==(const Decimal& other) const = default;

 private:
  bool negative_ = false;
  std::string digits_;
  std::int64_t exponent_ = 0;
};

}  // namespace ph::api
