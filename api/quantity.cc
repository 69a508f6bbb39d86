#include "api/quantity.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <ranges>

namespace ph::api {

namespace {

using Wide = __int128;

constexpr Wide kNano = 1'000'000'000;
constexpr Wide kMax = static_cast<Wide>(INT64_MAX) * kNano;

constexpr std::string_view kFormatWrong =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
constexpr std::string_view kBadSuffix = "unable to parse quantity's suffix";

struct Suffix {
  std::string_view text;
  int exponent;  // of ten, or of two for the binary ones
};
constexpr std::array<Suffix, 10> kDecimal{{{"n", -9}, {"u", -6}, {"m", -3}, {"", 0}, {"k", 3}, {"M", 6}, {"G", 9}, {"T", 12}, {"P", 15}, {"E", 18}}};
constexpr std::array<Suffix, 6> kBinary{{{"Ki", 10}, {"Mi", 20}, {"Gi", 30}, {"Ti", 40}, {"Pi", 50}, {"Ei", 60}}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view take_digits(std::string_view& text) {
  const auto end = static_cast<std::size_t>(std::ranges::find_if_not(text, is_digit) - text.begin());
  const std::string_view digits = text.substr(0, end);
  text.remove_prefix(end);
  return digits;
}

struct Parts {
  bool negative = false;
  std::string_view whole, fraction, suffix;
};

// Splits at the grammar's seams; false when the text does not fit it.
bool split(std::string_view text, Parts& parts) {
  if (text.empty()) return false;
  if (text[0] == '-' || text[0] == '+') {
    parts.negative = text[0] == '-';
    text.remove_prefix(1);
  }
  parts.whole = take_digits(text);
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    parts.fraction = take_digits(text);
  }
  parts.suffix = text;
  const auto letters = text.find_first_not_of("eEinumkKMGTP");
  if (letters == std::string_view::npos) return true;
  text.remove_prefix(letters);
  if (text[0] == '-' || text[0] == '+') text.remove_prefix(1);
  take_digits(text);
  return text.empty();
}

// The meaning of a suffix: a power of ten, or of two.
struct Scale {
  Quantity::Format format = Quantity::Format::DecimalSI;
  std::int64_t ten = 0;
  int two = 0;
};

std::optional<Scale> scale_of(std::string_view suffix) {
  if (const auto* found = std::ranges::find(kDecimal, suffix, &Suffix::text); found != kDecimal.end()) {
    return Scale{.ten = found->exponent};
  }
  if (const auto* found = std::ranges::find(kBinary, suffix, &Suffix::text); found != kBinary.end()) {
    return Scale{.format = Quantity::Format::BinarySI, .two = found->exponent};
  }
  if (suffix.size() < 2 || (suffix[0] != 'e' && suffix[0] != 'E')) return std::nullopt;
  suffix.remove_prefix(1);
  const bool plus = suffix[0] == '+';
  if (plus) suffix.remove_prefix(1);
  Scale scale{.format = Quantity::Format::DecimalExponent};
  const auto [end, error] = std::from_chars(suffix.data(), suffix.data() + suffix.size(), scale.ten);
  if (error != std::errc() || end != suffix.data() + suffix.size() || (plus && suffix[0] == '-')) return std::nullopt;
  return scale;
}

// Doubles a number written in decimal digits.
void double_digits(std::string& digits) {
  int carry = 0;
  for (char& digit : std::views::reverse(digits)) {
    const int twice = (digit - '0') * 2 + carry;
    digit = static_cast<char>('0' + twice % 10);
    carry = twice / 10;
  }
  if (carry) digits.insert(digits.begin(), '1');
}

// digits × 10^exponent in nanos: capped, and what is finer rounded up.
Wide to_nanos(std::string_view digits, std::int64_t exponent) {
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
  if (digits.empty()) return 0;
  const auto size = static_cast<std::int64_t>(digits.size());
  if (exponent > 40) return kMax;
  if (exponent < -40 - size) return 1;
  exponent += 9;
  bool more = false;
  if (exponent < 0) {
    const std::size_t kept = static_cast<std::size_t>(std::max<std::int64_t>(0, size + exponent));
    more = digits.substr(kept).find_first_not_of('0') != std::string_view::npos;
    digits = digits.substr(0, kept);
  }
  Wide nanos = 0;
  for (const char digit : digits) {
    nanos = nanos * 10 + (digit - '0');
    if (nanos > kMax) return kMax;
  }
  for (; exponent > 0 && nanos <= kMax; --exponent) nanos *= 10;
  return std::min(nanos + more, kMax);
}

Wide clamp(Wide nanos) { return std::clamp(nanos, -kMax, kMax); }

// Division that rounds away from zero.
Wide divide_up(Wide value, Wide by) {
  const Wide quotient = value / by;
  if (value % by == 0) return quotient;
  return value < 0 ? quotient - 1 : quotient + 1;
}

std::string digits_of(Wide value) {
  char buffer[48];
  char* at = std::end(buffer);
  const bool negative = value < 0;
  if (negative) value = -value;
  do {
    *--at = static_cast<char>('0' + static_cast<int>(value % 10));
    value /= 10;
  } while (value);
  if (negative) *--at = '-';
  return {at, std::end(buffer)};
}

std::string decimal_text(Wide nanos, Quantity::Format format) {
  int exponent = -9;
  while (nanos % 1000 == 0 && exponent < 18) {
    nanos /= 1000;
    exponent += 3;
  }
  std::string out = digits_of(nanos);
  if (format == Quantity::Format::DecimalSI) return out.append(std::ranges::find(kDecimal, exponent, &Suffix::exponent)->text);
  if (exponent) out.append("e").append(std::to_string(exponent));
  return out;
}

std::string binary_text(Wide units) {
  std::size_t power = 0;
  while (units % 1024 == 0 && power < kBinary.size()) {
    units /= 1024;
    ++power;
  }
  std::string out = digits_of(units);
  if (power) out.append(kBinary[power - 1].text);
  return out;
}

}  // namespace

Quantity Quantity::of(std::int64_t value, Format format) {
  Quantity out;
  out.nanos_ = clamp(value * kNano);
  out.format_ = format;
  return out;
}

Quantity Quantity::of_milli(std::int64_t value, Format format) {
  Quantity out;
  out.nanos_ = clamp(value * (kNano / 1000));
  out.format_ = format;
  return out;
}

std::optional<Quantity> Quantity::parse(std::string_view text) {
  Parts parts;
  if (!split(text, parts)) return std::nullopt;
  const auto scale = scale_of(parts.suffix);
  if (!scale) return std::nullopt;
  std::string digits(parts.whole);
  digits.append(parts.fraction);
  for (int i = 0; i < scale->two; ++i) double_digits(digits);
  Quantity out;
  out.nanos_ = to_nanos(digits, scale->ten - static_cast<std::int64_t>(parts.fraction.size()));
  // Less than one reads better as a decimal fraction.
  out.format_ = scale->two && out.nanos_ > 0 && out.nanos_ < kNano ? Format::DecimalSI : scale->format;
  if (parts.negative) out.nanos_ = -out.nanos_;
  return out;
}

std::string Quantity::text() const {
  if (nanos_ == 0) return "0";
  if (format_ != Format::BinarySI) return decimal_text(nanos_, format_);
  const bool small = nanos_ > -1024 * kNano && nanos_ < 1024 * kNano;
  if (small || nanos_ % kNano != 0) return decimal_text(nanos_, Format::DecimalSI);
  return binary_text(nanos_ / kNano);
}

std::int64_t Quantity::value() const { return static_cast<std::int64_t>(divide_up(nanos_, kNano)); }

std::int64_t Quantity::milli_value() const {
  const Wide milli = divide_up(nanos_, kNano / 1000);
  return static_cast<std::int64_t>(std::clamp<Wide>(milli, INT64_MIN, INT64_MAX));
}

Quantity Quantity::rounded_up_to_milli() const {
  Quantity out = *this;
  out.nanos_ = clamp(divide_up(nanos_, kNano / 1000) * (kNano / 1000));
  return out;
}

Quantity& Quantity::operator+=(const Quantity& other) {
  if (is_zero()) format_ = other.format_;
  nanos_ = clamp(nanos_ + other.nanos_);
  return *this;
}

Quantity& Quantity::operator-=(const Quantity& other) {
  if (is_zero()) format_ = other.format_;
  nanos_ = clamp(nanos_ - other.nanos_);
  return *this;
}

std::string canonical_quantity(std::string_view text) {
  if (text.empty()) return "0";
  // "100", "7": nothing a suffix could shorten.
  const bool plain = text.size() < 10 && text[0] != '0' && !text.ends_with("000") && std::ranges::all_of(text, is_digit);
  if (plain) return std::string(text);
  const auto quantity = Quantity::parse(text);
  return quantity ? quantity->text() : std::string(text);
}

std::string_view quantity_error(std::string_view text) {
  Parts parts;
  if (!split(text, parts)) return kFormatWrong;
  return scale_of(parts.suffix) ? std::string_view() : kBadSuffix;
}

}  // namespace ph::api
