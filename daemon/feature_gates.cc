#include "daemon/feature_gates.h"

#include <algorithm>

#include <fmt/format.h>

namespace ph::daemon {
namespace {

struct Gate {
  std::string_view name;
  bool on_by_default;
  bool locked;
};

constexpr Gate kGates[] = {
#define GATE(name, on, locked) {name, on, locked},
#include "daemon/feature_gates.def"
#undef GATE
};
static_assert(std::ranges::is_sorted(kGates, {}, &Gate::name));

}  // namespace

std::vector<std::string> feature_gate_problems(const std::map<std::string, std::string>& settings) {
  std::vector<std::string> out;
  for (const auto& [name, value] : settings) {
    if (value != "true" && value != "false") {
      out.push_back(fmt::format("invalid value of {}={}, err: neither true nor false", name, value));
      continue;
    }
    // AllAlpha and AllBeta set many at once; at their default they set none.
    if ((name == "AllAlpha" || name == "AllBeta") && value == "false") continue;
    const auto gate = std::ranges::lower_bound(kGates, std::string_view(name), {}, &Gate::name);
    if (gate == std::end(kGates) || gate->name != name) {
      out.push_back(fmt::format("unrecognized feature gate: {}", name));
    } else if ((value == "true") == gate->on_by_default) {
      continue;
    } else if (gate->locked) {
      out.push_back(fmt::format("cannot set feature gate {} to {}, feature is locked to {}", name, value, gate->on_by_default));
    } else {
      out.push_back(fmt::format("cannot set feature gate {} to {}: only its default, {}, is supported here", name, value, gate->on_by_default));
    }
  }
  return out;
}

}  // namespace ph::daemon
