// Values of CEL (https://github.com/google/cel-spec), with the types that Kubernetes adds: quantities and semantic versions.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "api/quantity.h"

namespace ph::api::cel {

// What went wrong while an expression was evaluated, or in the expression itself.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Constructors of their own keep these apart where a Value is made of a text or a number.
struct Null {
  Null() = default;
  bool operator==(const Null&) const = default;
};
struct Bytes {
  explicit Bytes(std::string data) : data(std::move(data)) {}
  std::string data;
  auto operator<=>(const Bytes&) const = default;
};
struct Type {
  explicit Type(std::string name) : name(std::move(name)) {}
  std::string name;
  bool operator==(const Type&) const = default;
};

// A span of time, to 292 years.
struct Duration {
  explicit Duration(std::int64_t nanos) : nanos(nanos) {}
  std::int64_t nanos;
  auto operator<=>(const Duration&) const = default;
};
// A moment of the years 1 to 9999, and how far the clock that it was read from is ahead of UTC: times that differ in nothing else
// are equal.
struct Timestamp {
  explicit Timestamp(std::int64_t seconds, std::int32_t nanos = 0, std::int32_t offset = 0)
      : seconds(seconds), nanos(nanos), offset(offset) {}
  std::int64_t seconds;  // since 1970, downwards
  std::int32_t nanos;    // from 0 to 999,999,999
  std::int32_t offset;   // in seconds
  std::strong_ordering operator<=>(const Timestamp& other) const {
    return seconds != other.seconds ? seconds <=> other.seconds : nanos <=> other.nanos;
  }
  bool operator==(const Timestamp& other) const { return seconds == other.seconds && nanos == other.nanos; }
};

// https://semver.org, without the build, which orders nothing.
struct SemVer {
  SemVer() = default;
  std::uint64_t major = 0, minor = 0, patch = 0;
  std::vector<std::string> prerelease;
  // Nothing when the text is no such version. `normalize`: a leading "v", missing parts and leading zeros are let pass.
  static std::optional<SemVer> parse(std::string_view text, bool normalize = false);
  std::strong_ordering operator<=>(const SemVer& other) const;
  bool operator==(const SemVer& other) const { return (*this <=> other) == 0; }
};

class Value;
using List = std::vector<Value>;

struct Map;
struct Optional;

// One value; cheap to copy.
class Value {
 public:
  using Variant =
      std::variant<Null, bool, std::int64_t, std::uint64_t, double, std::string, Bytes, std::shared_ptr<const List>,
                   std::shared_ptr<const Map>, Quantity, SemVer, Type, std::shared_ptr<const Optional>, Duration, Timestamp>;
  Value() = default;
  template <class T>
    requires(!std::is_same_v<std::remove_cvref_t<T>, Value>)
  Value(T&& value) : of_(std::forward<T>(value)) {}  // NOLINT: values are written as what they are
  static Value list(List items);
  static Value map(Map map);
  static Value some(Value value);
  static Value none();

  // Null: it is of another type.
  template <class T>
  const T* as() const {
    return std::get_if<T>(&of_);
  }
  const List* as_list() const;
  const Map* as_map() const;
  const Optional* as_optional() const;
  // "int", "string", …
  std::string_view type_name() const;

  // Numbers of different types are equal when they stand for the same number.
  bool operator==(const Value& other) const;
  const Variant& variant() const { return of_; }

 private:
  Variant of_;
};

struct Map {
  std::vector<std::pair<Value, Value>> entries;
  std::optional<Value> otherwise;  // the value of every other key

  // Null: there is no such key.
  const Value* find(const Value& key) const;
};

struct Optional {
  std::optional<Value> value;
};

// Orders what can be ordered: numbers among each other, strings, bytes, booleans, durations, timestamps. Nothing for others, and for NaN.
std::optional<std::strong_ordering> compare(const Value& a, const Value& b);

}  // namespace ph::api::cel
