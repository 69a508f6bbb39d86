#include "api/versions.h"

#include <charconv>
#include <cstdint>
#include <optional>
#include <tuple>

namespace ph::api {

namespace {

// Major number, stability (2: stable, 1: beta, 0: alpha) and the number behind that.
struct Parts {
  int stability = 0;
  std::uint32_t major = 0, minor = 0;
  auto rank() const { return std::tuple(stability, major, minor); }
};

// A number without a leading zero, which is taken off `text`.
std::optional<std::uint32_t> take_number(std::string_view& text) {
  std::uint32_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || out == 0 || text.front() == '0') return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return out;
}

// Nothing for a name that is no version in the sense of Kubernetes.
std::optional<Parts> parse(std::string_view text) {
  if (!text.starts_with('v')) return std::nullopt;
  text.remove_prefix(1);
  const auto major = text.empty() ? std::nullopt : take_number(text);
  if (!major) return std::nullopt;
  if (text.empty()) return Parts{2, *major, 0};
  const int stability = text.starts_with("beta") ? 1 : text.starts_with("alpha") ? 0 : -1;
  if (stability < 0) return std::nullopt;
  text.remove_prefix(stability == 1 ? 4 : 5);
  const auto minor = text.empty() ? std::nullopt : take_number(text);
  if (!minor || !text.empty()) return std::nullopt;
  return Parts{stability, *major, *minor};
}

}  // namespace

bool is_newer_version(std::string_view a, std::string_view b) {
  const auto left = parse(a), right = parse(b);
  if (left && right) return left->rank() > right->rank();
  if (left || right) return left.has_value();
  return a < b;
}

}  // namespace ph::api
