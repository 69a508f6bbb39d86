#include "api/cel/value.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace ph::api::cel {

Value Value::list(List items) { return Value(std::make_shared<const List>(std::move(items))); }
Value Value::map(Map map) { return Value(std::make_shared<const Map>(std::move(map))); }
Value Value::some(Value value) { return Value(std::make_shared<const Optional>(Optional{std::move(value)})); }
Value Value::none() { return Value(std::make_shared<const Optional>()); }

namespace {

template <class T>
const T* pointee(const Value& value) {
  const auto* held = value.as<std::shared_ptr<const T>>();
  return held ? held->get() : nullptr;
}

}  // namespace

const List* Value::as_list() const { return pointee<List>(*this); }
const Map* Value::as_map() const { return pointee<Map>(*this); }
const Optional* Value::as_optional() const { return pointee<Optional>(*this); }

std::string_view Value::type_name() const {
  static constexpr std::string_view kNames[] = {"null_type",
                                                "bool",
                                                "int",
                                                "uint",
                                                "double",
                                                "string",
                                                "bytes",
                                                "list",
                                                "map",
                                                "kubernetes.Quantity",
                                                "kubernetes.Semver",
                                                "type",
                                                "optional_type",
                                                "google.protobuf.Duration",
                                                "google.protobuf.Timestamp"};
  return kNames[of_.index()];
}

namespace {

// Doubles hold 53 bits, and comparisons must not round: a double is compared with what it is as a whole number, and by its fraction.
std::optional<std::strong_ordering> compare_numbers(double a, __int128 b) {
  if (std::isnan(a)) return std::nullopt;
  if (a >= 0x1p64) return std::strong_ordering::greater;
  if (a < -0x1p63) return std::strong_ordering::less;
  const auto whole = static_cast<__int128>(std::floor(a));
  if (whole != b) return whole < b ? std::strong_ordering::less : std::strong_ordering::greater;
  return a > std::floor(a) ? std::strong_ordering::greater : std::strong_ordering::equal;
}

std::optional<__int128> whole(const Value& value) {
  if (const auto* i = value.as<std::int64_t>()) return *i;
  if (const auto* u = value.as<std::uint64_t>()) return *u;
  return std::nullopt;
}

std::strong_ordering reversed(std::strong_ordering order) { return 0 <=> order; }

template <class T>
std::optional<std::strong_ordering> compare_as(const Value& a, const Value& b) {
  const T *x = a.as<T>(), *y = b.as<T>();
  if (!x || !y) return std::nullopt;
  return *x < *y ? std::strong_ordering::less : *y < *x ? std::strong_ordering::greater : std::strong_ordering::equal;
}

}  // namespace

std::optional<std::strong_ordering> compare(const Value& a, const Value& b) {
  const auto x = whole(a), y = whole(b);
  const double *p = a.as<double>(), *q = b.as<double>();
  if (x && y) return *x <=> *y;
  if (p && y) return compare_numbers(*p, *y);
  if (x && q) {
    const auto order = compare_numbers(*q, *x);
    return order ? std::optional(reversed(*order)) : std::nullopt;
  }
  if (p && q) return std::isnan(*p) || std::isnan(*q) ? std::nullopt : compare_as<double>(a, b);
  if (const auto order = compare_as<std::string>(a, b)) return order;
  if (const auto order = compare_as<Bytes>(a, b)) return order;
  if (const auto order = compare_as<Duration>(a, b)) return order;
  if (const auto order = compare_as<Timestamp>(a, b)) return order;
  return compare_as<bool>(a, b);
}

bool Value::operator==(const Value& other) const {
  const bool numbers = (whole(*this) || as<double>()) && (whole(other) || other.as<double>());
  if (numbers) return compare(*this, other) == std::strong_ordering::equal;
  if (of_.index() != other.of_.index()) return false;
  if (const List* list = as_list()) return *list == *other.as_list();
  if (const Map* map = as_map()) {
    const Map& its = *other.as_map();
    return map->entries.size() == its.entries.size() && std::ranges::all_of(map->entries, [&](const auto& entry) {
             const Value* found = its.find(entry.first);
             return found && *found == entry.second;
           });
  }
  if (const Optional* optional = as_optional()) return optional->value == other.as_optional()->value;
  if (const Quantity* quantity = as<Quantity>()) return *quantity == *other.as<Quantity>();
  return of_ == other.of_;
}

const Value* Map::find(const Value& key) const {
  const auto found = std::ranges::find_if(entries, [&](const auto& entry) { return entry.first == key; });
  return found == entries.end() ? nullptr : &found->second;
}

// -- SemVer

namespace {

bool is_numeric(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool number(std::string_view text, bool zeros, std::uint64_t& out) {
  if (!is_numeric(text) || (!zeros && text.size() > 1 && text.front() == '0')) return false;
  return std::from_chars(text.data(), text.data() + text.size(), out).ec == std::errc();
}

bool is_identifier(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  });
}

std::vector<std::string_view> parts_of(std::string_view text) {
  std::vector<std::string_view> out;
  for (;;) {
    const auto dot = text.find('.');
    out.push_back(text.substr(0, dot));
    if (dot == text.npos) return out;
    text.remove_prefix(dot + 1);
  }
}

}  // namespace

std::optional<SemVer> SemVer::parse(std::string_view text, bool normalize) {
  if (normalize && text.starts_with('v')) text.remove_prefix(1);
  if (const auto plus = text.find('+'); plus != text.npos) {
    for (const auto part : parts_of(text.substr(plus + 1))) {
      if (!is_identifier(part)) return std::nullopt;
    }
    text = text.substr(0, plus);
  }
  SemVer out;
  if (const auto dash = text.find('-'); dash != text.npos) {
    for (const auto part : parts_of(text.substr(dash + 1))) {
      if (!is_identifier(part) || (is_numeric(part) && part.size() > 1 && part.front() == '0')) return std::nullopt;
      out.prerelease.emplace_back(part);
    }
    text = text.substr(0, dash);
  }
  const auto parts = parts_of(text);
  if (parts.size() > 3 || (parts.size() < 3 && (!normalize || !out.prerelease.empty()))) return std::nullopt;
  std::uint64_t* const numbers[] = {&out.major, &out.minor, &out.patch};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!number(parts[i], normalize, *numbers[i])) return std::nullopt;
  }
  return out;
}

std::strong_ordering SemVer::operator<=>(const SemVer& other) const {
  if (const auto order = major <=> other.major; order != 0) return order;
  if (const auto order = minor <=> other.minor; order != 0) return order;
  if (const auto order = patch <=> other.patch; order != 0) return order;
  // A version comes after its own prereleases.
  if (prerelease.empty() || other.prerelease.empty()) return prerelease.empty() <=> other.prerelease.empty();
  for (std::size_t i = 0; i < std::min(prerelease.size(), other.prerelease.size()); ++i) {
    const std::string &a = prerelease[i], &b = other.prerelease[i];
    if (a == b) continue;
    const bool x = is_numeric(a), y = is_numeric(b);
    if (x != y) return x ? std::strong_ordering::less : std::strong_ordering::greater;
    if (x && a.size() != b.size()) return a.size() <=> b.size();
    return a < b ? std::strong_ordering::less : std::strong_ordering::greater;
  }
  return prerelease.size() <=> other.prerelease.size();
}

}  // namespace ph::api::cel
