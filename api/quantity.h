// Quantity: resource.Quantity's grammar, arithmetic and canonical form. Reference: "Quantity" in the Kubernetes API reference.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ph::api {

// A decimal of the form amount × 10^-9, exact within ±(2^63-1) units and capped there; remembers its suffix family.
class Quantity {
 public:
  enum class Format { DecimalSI, BinarySI, DecimalExponent };

  Quantity() = default;
  static Quantity of(std::int64_t value, Format format = Format::DecimalSI);
  static Quantity of_milli(std::int64_t value, Format format = Format::DecimalSI);
  // Nothing when the text is not a quantity.
  static std::optional<Quantity> parse(std::string_view text);

  std::string text() const;        // canonical
  std::int64_t value() const;      // rounded up, away from zero
  std::int64_t milli_value() const;
  bool is_zero() const { return nanos_ == 0; }
  int sign() const { return nanos_ < 0 ? -1 : nanos_ > 0; }
  // Rounded up to 1/1000, as defaulting does with resource lists.
  Quantity rounded_up_to_milli() const;

  Quantity& operator+=(const Quantity& other);
  Quantity& operator-=(const Quantity& other);
  std::strong_ordering operator<=>(const Quantity& other) const { return nanos_ <=> other.nanos_; }
  bool operator==(const Quantity& other) const { return nanos_ == other.nanos_; }
  Format format() const { return format_; }

 private:
  __int128 nanos_ = 0;
  Format format_ = Format::DecimalSI;
};

// The canonical text of a quantity: "0" for an empty one; what is not a quantity stays as it is.
std::string canonical_quantity(std::string_view text);
// Why `text` is no quantity, in upstream's words; empty when it is one.
std::string_view quantity_error(std::string_view text);

}  // namespace ph::api
