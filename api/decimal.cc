#include "api/decimal.h"

#include <algorithm>

namespace ph::api {

namespace {

constexpr std::int64_t kApartMax = 1000;

// Of what is not zero, without its sign.
std::strong_ordering compare_sizes(const Decimal& a, const Decimal& b) {
  if (const auto order = a.length() <=> b.length(); order != 0) return order;
  // Both begin at the same power of ten, and neither ends in a zero.
  return a.digits().compare(b.digits()) <=> 0;
}

// a + b or a - b of two texts of digits that stand at the same power of ten; for the latter, a is not the lesser one.
std::string combined(std::string a, std::string b, bool subtract) {
  const std::size_t size = std::max(a.size(), b.size()) + 1;
  a.insert(0, size - a.size(), '0');
  b.insert(0, size - b.size(), '0');
  int carry = 0;
  for (std::size_t i = size; i-- > 0;) {
    const int sum = (a[i] - '0') + (subtract ? -(b[i] - '0') : b[i] - '0') + carry;
    carry = sum < 0 ? -1 : sum / 10;
    a[i] = static_cast<char>('0' + (sum < 0 ? sum + 10 : sum % 10));
  }
  return a;
}

}  // namespace

Decimal::Decimal(bool negative, std::string digits, std::int64_t exponent)
    : negative_(negative), digits_(std::move(digits)), exponent_(exponent) {
  const auto last = digits_.find_last_not_of('0');
  if (last == std::string::npos) {
    *this = {};
    return;
  }
  exponent_ += static_cast<std::int64_t>(digits_.size() - last - 1);
  digits_.erase(last + 1);
  digits_.erase(0, digits_.find_first_not_of('0'));
}

Decimal Decimal::negated() const {
  Decimal out = *this;
  out.negative_ = !is_zero() && !negative_;
  return out;
}

Decimal Decimal::rounded_up(std::int64_t exponent) const {
  if (is_zero() || exponent_ >= exponent) return *this;
  const std::int64_t kept = std::max<std::int64_t>(0, length() - exponent);
  // What is cut off is not zero: its last digit is not.
  return Decimal(negative_, combined(digits_.substr(0, static_cast<std::size_t>(kept)), "1", false), exponent);
}

Decimal operator+(const Decimal& a, const Decimal& b) {
  if (a.is_zero()) return b;
  if (b.is_zero()) return a;
  const bool a_greater = compare_sizes(a, b) >= 0;
  const Decimal& greater = a_greater ? a : b;
  const Decimal& lesser = a_greater ? b : a;
  if (greater.exponent_ - lesser.length() > kApartMax) return greater;
  const std::int64_t exponent = std::min(a.exponent_, b.exponent_);
  const auto written = [&](const Decimal& one) {
    return one.digits_ + std::string(static_cast<std::size_t>(one.exponent_ - exponent), '0');
  };
  return Decimal(greater.negative_, combined(written(greater), written(lesser), a.negative_ != b.negative_), exponent);
}

std::strong_ordering Decimal::operator<=>(const Decimal& other) const {
  const auto sign = [](const Decimal& one) { return one.is_zero() ? 0 : one.negative_ ? -1 : 1; };
  if (const auto order = sign(*this) <=> sign(other); order != 0 || is_zero()) return order;
  return negative_ ? compare_sizes(other, *this) : compare_sizes(*this, other);
}

}  // namespace ph::api
