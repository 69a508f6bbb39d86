// Quantity: resource.Quantity's grammar, arithmetic and canonical form. Reference: "Quantity" in the Kubernetes API reference.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/decimal.h"

namespace ph::api {

// An exact multiple of 10^-9 of any size; remembers its suffix family, and its text while nothing has changed it.
class Quantity {
 public:
  enum class Format { DecimalSI, BinarySI, DecimalExponent };

  Quantity() = default;
  static Quantity of(std::int64_t value, Format format = Format::DecimalSI);
  static Quantity of_milli(std::int64_t value, Format format = Format::DecimalSI);
  // What is finer than 10^-9 is rounded up; binary ones end at 2^63-1. Nothing when the text is not a quantity.
  static std::optional<Quantity> parse(std::string_view text);

  // As upstream writes it: the text it was read from where that was short and had no zeros to shorten ("+1", "1.500", "1E3"),
  // else canonical.
  std::string text() const;
  // Rounded up, away from zero. What does not fit is the nearest number that does.
  std::int64_t value() const;
  std::int64_t milli_value() const;
  bool is_zero() const { return !big_ && nanos_ == 0; }
  int sign() const;
  // Rounded up to 1/1000, as defaulting does with resource lists.
  Quantity rounded_up_to_milli() const;

  // Of the family of what it is added to; zero takes the other's.
  Quantity& operator+=(const Quantity& other);
  Quantity& operator-=(const Quantity& other);
  std::strong_ordering operator<=>(const Quantity& other) const;
  bool operator==(const Quantity& other) const { return (*this <=> other) == 0; }
  Format format() const { return format_; }

 private:
  Decimal nanos() const;
  void set(const Decimal& nanos);
  Quantity& add(const Quantity& other, bool negate);
  std::int64_t in_units(int nano_exponent) const;

  __int128 nanos_ = 0;
  std::shared_ptr<const Decimal> big_;  // in nanos, what `nanos_` cannot hold
  Format format_ = Format::DecimalSI;
  std::string kept_;
};

// The text of a quantity as upstream writes it: "0" for an empty one; what is not a quantity stays as it is.
std::string canonical_quantity(std::string_view text);
// Whether two texts stand for the same amount: "1", "+1" and "1000m" do.
bool same_quantity(std::string_view a, std::string_view b);
// Why `text` is no quantity, in upstream's words; empty when it is one.
std::string_view quantity_error(std::string_view text);

}  // namespace ph::api
