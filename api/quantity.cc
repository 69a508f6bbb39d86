#include "api/quantity.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <ranges>

namespace ph::api {

namespace {

using Wide = __int128;
using Format = Quantity::Format;

constexpr Wide kNano = 1'000'000'000;
// Sums of what is less fit, too.
constexpr Wide kSmallMax = kNano * kNano * kNano * kNano;
constexpr std::int64_t kSmallLength = 36;
// Beyond this a number reads better with an exponent, whatever its family.
constexpr std::int64_t kZerosMax = 1000;

constexpr std::string_view kFormatWrong =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
constexpr std::string_view kNotNumeric = "unable to parse numeric part of quantity";
constexpr std::string_view kBadSuffix = "unable to parse quantity's suffix";

struct Suffix {
  std::string_view text;
  int exponent;  // of ten, or of two for the binary ones
};
constexpr std::array<Suffix, 10> kDecimal{
    {{"n", -9}, {"u", -6}, {"m", -3}, {"", 0}, {"k", 3}, {"M", 6}, {"G", 9}, {"T", 12}, {"P", 15}, {"E", 18}}};
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
  std::string_view whole, fraction, suffix;  // `whole` without zeros before it
  bool has_digits = false;
};

// Splits at the grammar's seams; false when the text does not fit it.
bool split(std::string_view text, Parts& parts) {
  if (text.empty()) return false;
  if (text[0] == '-' || text[0] == '+') {
    parts.negative = text[0] == '-';
    text.remove_prefix(1);
  }
  const bool nothing_else = text.empty();
  parts.whole = take_digits(text);
  parts.has_digits = nothing_else || !parts.whole.empty();
  parts.whole.remove_prefix(std::min(parts.whole.find_first_not_of('0'), parts.whole.size()));
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    parts.fraction = take_digits(text);
    parts.has_digits |= !parts.fraction.empty();
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
  Format format = Format::DecimalSI;
  std::int32_t ten = 0;
  int two = 0;
};

std::optional<Scale> scale_of(std::string_view suffix) {
  if (const auto* found = std::ranges::find(kDecimal, suffix, &Suffix::text); found != kDecimal.end()) {
    return Scale{.ten = found->exponent};
  }
  if (const auto* found = std::ranges::find(kBinary, suffix, &Suffix::text); found != kBinary.end()) {
    return Scale{.format = Format::BinarySI, .two = found->exponent};
  }
  if (suffix.size() < 2 || (suffix[0] != 'e' && suffix[0] != 'E')) return std::nullopt;
  suffix.remove_prefix(1);
  const bool plus = suffix[0] == '+';
  if (plus) suffix.remove_prefix(1);
  std::int64_t exponent = 0;
  const auto [end, error] = std::from_chars(suffix.data(), suffix.data() + suffix.size(), exponent);
  if (error != std::errc() || end != suffix.data() + suffix.size() || (plus && suffix[0] == '-')) return std::nullopt;
  // Upstream keeps the lower half of the exponent, too.
  return Scale{.format = Format::DecimalExponent, .ten = static_cast<std::int32_t>(exponent)};
}

// A text upstream reads without its big numbers.
bool is_short(const Parts& parts, const Scale& scale) {
  const auto size = static_cast<std::int64_t>(std::max<std::size_t>(parts.whole.size(), 1) + parts.fraction.size());
  if (scale.two) return parts.fraction.empty() && size + scale.two * 3 / 10 <= 14;
  return size <= 18 && scale.ten - static_cast<std::int64_t>(parts.fraction.size()) >= -9;
}

// Whether a short text is shown as it was given: it has no zeros that a suffix could stand for.
bool is_kept(const Parts& parts, const Scale& scale) {
  if (parts.whole.empty()) return false;
  if (scale.two) return (parts.whole.back() - '0') % 2 != 0 || std::stoll(std::string(parts.whole)) % 8 != 0;
  if ((scale.ten - static_cast<std::int64_t>(parts.fraction.size())) % 3 != 0) return false;
  const auto digit = [&](std::size_t from_end) {
    if (from_end < parts.fraction.size()) return parts.fraction[parts.fraction.size() - 1 - from_end];
    from_end -= parts.fraction.size();
    return from_end < parts.whole.size() ? parts.whole[parts.whole.size() - 1 - from_end] : ' ';
  };
  return digit(0) != '0' || digit(1) != '0' || digit(2) != '0';
}

// The nanos of a short text; nothing when they are many.
std::optional<Wide> brief_nanos(const Parts& parts, const Scale& scale) {
  std::int64_t value = 0;
  for (const std::string_view digits : {parts.whole, parts.fraction}) {
    for (const char digit : digits) value = value * 10 + (digit - '0');
  }
  if (scale.two) return static_cast<Wide>(value << scale.two) * kNano;
  const std::int64_t exponent = scale.ten - static_cast<std::int64_t>(parts.fraction.size()) + 9;
  if (exponent > 18) return value == 0 ? std::optional<Wide>(0) : std::nullopt;
  Wide nanos = value;
  for (std::int64_t i = 0; i < exponent; ++i) nanos *= 10;
  return nanos;
}

// digits × 2^power, for powers up to 60.
std::string times_power_of_two(std::string digits, int power) {
  const std::uint64_t factor = std::uint64_t{1} << power;
  std::uint64_t carry = 0;
  for (char& digit : std::views::reverse(digits)) {
    const std::uint64_t product = static_cast<std::uint64_t>(digit - '0') * factor + carry;
    digit = static_cast<char>('0' + product % 10);
    carry = product / 10;
  }
  if (carry) digits.insert(0, std::to_string(carry));
  return digits;
}

Wide small(const Decimal& value) {
  Wide out = 0;
  for (const char digit : value.digits()) out = out * 10 + (digit - '0');
  for (std::int64_t i = 0; i < value.exponent(); ++i) out *= 10;
  return value.negative() ? -out : out;
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

// Division that rounds away from zero.
Wide divide_up(Wide value, Wide by) {
  const Wide quotient = value / by;
  if (value % by == 0) return quotient;
  return value < 0 ? quotient - 1 : quotient + 1;
}

// The exponent is the greatest multiple of three that leaves a whole number before it. Beyond E there is no suffix: there
// zeros are written. (Upstream leaves out the suffix and writes no zeros: its 1000E becomes 1.)
std::string decimal_text(const Decimal& nanos, Format format) {
  std::int64_t zeros = nanos.exponent() % 3;
  std::int64_t exponent = nanos.exponent() - zeros - 9;
  if (format == Format::DecimalSI && exponent > 18 && exponent <= 18 + kZerosMax) {
    zeros += exponent - 18;
    exponent = 18;
  }
  std::string out = nanos.negative() ? "-" : "";
  out.append(nanos.digits()).append(static_cast<std::size_t>(zeros), '0');
  if (format == Format::DecimalSI && exponent <= 18)
    return out.append(std::ranges::find(kDecimal, exponent, &Suffix::exponent)->text);
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
  out.nanos_ = value * kNano;
  out.format_ = format;
  return out;
}

Quantity Quantity::of_milli(std::int64_t value, Format format) {
  Quantity out;
  out.nanos_ = value * (kNano / 1000);
  out.format_ = format;
  return out;
}

std::optional<Quantity> Quantity::parse(std::string_view text) {
  Parts parts;
  if (!split(text, parts)) return std::nullopt;
  const auto scale = scale_of(parts.suffix);
  if (!scale) return std::nullopt;
  const bool is_brief = is_short(parts, *scale);
  if (!is_brief && !parts.has_digits) return std::nullopt;

  Quantity out;
  out.format_ = scale->format;
  if (is_brief && is_kept(parts, *scale)) out.kept_ = text;
  if (const auto nanos = is_brief ? brief_nanos(parts, *scale) : std::nullopt) {
    out.nanos_ = parts.negative ? -*nanos : *nanos;
    return out;
  }
  std::string digits(parts.whole);
  digits.append(parts.fraction);
  if (scale->two) digits = times_power_of_two(std::move(digits), scale->two);
  const std::int64_t exponent = std::int64_t{scale->ten} - static_cast<std::int64_t>(parts.fraction.size());
  Decimal size = Decimal(false, std::move(digits), exponent + 9).rounded_up(0);
  if (scale->two) {
    static const Decimal kMost(false, std::to_string(INT64_MAX), 9), kOne(false, "1", 9);
    if (size > kMost) size = kMost;
    // Less than one reads better as a decimal fraction.
    if (!size.is_zero() && size < kOne) out.format_ = Format::DecimalSI;
  }
  out.set(parts.negative ? size.negated() : size);
  return out;
}

Decimal Quantity::nanos() const {
  if (big_) return *big_;
  return Decimal(nanos_ < 0, digits_of(nanos_ < 0 ? -nanos_ : nanos_), 0);
}

void Quantity::set(const Decimal& nanos) {
  const bool is_small = nanos.length() <= kSmallLength;
  nanos_ = is_small ? small(nanos) : 0;
  big_ = is_small ? nullptr : std::make_shared<const Decimal>(nanos);
}

int Quantity::sign() const {
  if (big_) return big_->negative() ? -1 : 1;
  return nanos_ < 0 ? -1 : nanos_ > 0;
}

std::string Quantity::text() const {
  if (!kept_.empty()) return kept_;
  if (is_zero()) return "0";
  if (format_ != Format::BinarySI || big_)
    return decimal_text(nanos(), format_ == Format::BinarySI ? Format::DecimalSI : format_);
  const bool few = nanos_ > -1024 * kNano && nanos_ < 1024 * kNano;
  if (few || nanos_ % kNano != 0) return decimal_text(nanos(), Format::DecimalSI);
  return binary_text(nanos_ / kNano);
}

// In units of 10^`nano_exponent` nanos.
std::int64_t Quantity::in_units(int nano_exponent) const {
  if (big_) return big_->negative() ? INT64_MIN : INT64_MAX;
  const Wide unit = nano_exponent == 9 ? kNano : kNano / 1000;
  return static_cast<std::int64_t>(std::clamp<Wide>(divide_up(nanos_, unit), INT64_MIN, INT64_MAX));
}

std::int64_t Quantity::value() const { return in_units(9); }
std::int64_t Quantity::milli_value() const { return in_units(6); }

Quantity Quantity::rounded_up_to_milli() const {
  Quantity out = *this;
  if (big_ || nanos_ % (kNano / 1000) == 0) return out;
  out.nanos_ = divide_up(nanos_, kNano / 1000) * (kNano / 1000);
  out.kept_.clear();
  return out;
}

Quantity& Quantity::add(const Quantity& other, bool negate) {
  if (is_zero()) format_ = other.format_;
  if (!big_ && !other.big_) {
    const Wide sum = negate ? nanos_ - other.nanos_ : nanos_ + other.nanos_;
    if (sum > -kSmallMax && sum < kSmallMax) {
      nanos_ = sum;
      kept_.clear();
      return *this;
    }
  }
  set(nanos() + (negate ? other.nanos().negated() : other.nanos()));
  kept_.clear();
  return *this;
}

Quantity& Quantity::operator+=(const Quantity& other) { return add(other, false); }
Quantity& Quantity::operator-=(const Quantity& other) { return add(other, true); }

std::strong_ordering Quantity::operator<=>(const Quantity& other) const {
  if (!big_ && !other.big_) return nanos_ <=> other.nanos_;
  return nanos() <=> other.nanos();
}

std::string canonical_quantity(std::string_view text) {
  if (text.empty()) return "0";
  // "100", "7": nothing a suffix could shorten.
  const bool plain = text.size() < 10 && text[0] != '0' && !text.ends_with("000") && std::ranges::all_of(text, is_digit);
  if (plain) return std::string(text);
  const auto quantity = Quantity::parse(text);
  return quantity ? quantity->text() : std::string(text);
}

bool same_quantity(std::string_view a, std::string_view b) {
  if (a == b) return true;
  const auto left = Quantity::parse(a.empty() ? "0" : a), right = Quantity::parse(b.empty() ? "0" : b);
  return left && right && *left == *right;
}

std::string_view quantity_error(std::string_view text) {
  Parts parts;
  if (!split(text, parts)) return kFormatWrong;
  const auto scale = scale_of(parts.suffix);
  if (!scale) return kBadSuffix;
  return parts.has_digits || is_short(parts, *scale) ? std::string_view() : kNotNumeric;
}

}  // namespace ph::api
