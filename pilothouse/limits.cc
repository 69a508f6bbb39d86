#include "pilothouse/limits.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ph::pilothouse {
namespace {

constexpr Limit kLimits[] = {
#define LIMIT(what, admission, loops, plugins, here) {what, admission, loops, plugins, here},
#include "pilothouse/limits.def"
#undef LIMIT
};

// "a b" as "`a`, `b`", after what is there.
void append_names(std::string& out, std::string_view names) {
  while (!names.empty()) {
    const auto end = std::min(names.find(' '), names.size());
    out += fmt::format("{}`{}`", out.empty() ? "" : ", ", names.substr(0, end));
    names.remove_prefix(std::min(end + 1, names.size()));
  }
}

}  // namespace

std::span<const Limit> limits() { return kLimits; }

std::vector<std::string_view> undone_by(Parts parts) {
  std::vector<std::string_view> out;
  for (const Limit& limit : kLimits) {
    if ((parts.apiserver && !limit.admission.empty()) || (parts.loops && !limit.loops.empty()) ||
        (parts.scheduler && !limit.plugins.empty())) {
      out.push_back(limit.what);
    }
  }
  return out;
}

void warn_of_limits(Parts parts, const Log& log) {
  const auto undone = undone_by(parts);
  if (!undone.empty())
    log.warning("stored, but not acted on (README.md, Limits)", "what", fmt::format("{}", fmt::join(undone, "; ")));
}

std::string limits_table() {
  std::string out = "| what is stored | who would act on it | here |\n|---|---|---|\n";
  for (const Limit& limit : kLimits) {
    std::string names;
    for (const std::string_view part : {limit.admission, limit.loops, limit.plugins}) append_names(names, part);
    out += fmt::format("| {} | {} | {} |\n", limit.what, names, limit.here);
  }
  return out;
}

}  // namespace ph::pilothouse
