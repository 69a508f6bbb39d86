#include "apiserver/admission/pod_security/checks.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ph::apiserver::pod_security {
namespace {

struct Line {
  std::string_view id;
  Level level;
  int since;
  Check check;
  std::string_view instead_of;
};
constexpr Line kLines[] = {
#define CHECK(id, level, since, function, instead_of) {id, Level::level, since, function, instead_of},
#include "apiserver/admission/pod_security/checks.def"
#undef CHECK
};

bool counts(const Line& line, const Standard& standard) {
  return line.level <= standard.level && (!standard.minor || line.since <= *standard.minor);
}

// A newer line of the same id, or one of a higher level in its place.
bool is_replaced(const Line& line, const Standard& standard) {
  return std::ranges::any_of(kLines, [&](const Line& other) {
    if (!counts(other, standard)) return false;
    return (other.id == line.id && other.since > line.since) || other.instead_of == line.id;
  });
}

}  // namespace

Violations violations(const Standard& standard, const meta::v1::ObjectMeta& metadata, const core::v1::PodSpec& spec) {
  Violations out;
  const Subject subject{metadata, spec};
  for (const Line& line : kLines) {
    if (!counts(line, standard) || is_replaced(line, standard)) continue;
    if (auto violation = line.check(subject); violation) out.push_back(std::move(*violation));
  }
  return out;
}

std::string_view one_or_more(std::string_view one, std::string_view more, std::size_t count) { return count == 1 ? one : more; }

std::string in_quotes(const Names& names) { return fmt::format("\"{}\"", fmt::join(names, "\", \"")); }
std::string in_quotes(const std::set<std::string>& names) { return in_quotes(Names(names.begin(), names.end())); }

std::string containers(const Names& names) {
  return fmt::format("{} {}", one_or_more("container", "containers", names.size()), in_quotes(names));
}

std::string Setters::text() const {
  if (names.empty()) return "pod";
  return pod ? "pod and " + containers(names) : containers(names);
}

}  // namespace ph::apiserver::pod_security
