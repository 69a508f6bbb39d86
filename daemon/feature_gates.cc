#include "daemon/feature_gates.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/assert.h"

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

bool may_be_set(std::string_view gate) { return gate == kMaxUnavailableStatefulSet; }

const Gate* find(std::string_view name) {
  const auto gate = std::ranges::lower_bound(kGates, name, {}, &Gate::name);
  return gate == std::end(kGates) || gate->name != name ? nullptr : gate;
}

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
    const Gate* gate = find(name);
    if (!gate) {
      out.push_back(fmt::format("unrecognized feature gate: {}", name));
    } else if ((value == "true") == gate->on_by_default || may_be_set(name)) {
      continue;
    } else if (gate->locked) {
      out.push_back(fmt::format("cannot set feature gate {} to {}, feature is locked to {}", name, value, gate->on_by_default));
    } else {
      out.push_back(fmt::format("cannot set feature gate {} to {}: only its default, {}, is supported here", name, value,
                                gate->on_by_default));
    }
  }
  return out;
}

bool is_on(const std::map<std::string, std::string>& settings, const std::string& gate) {
  PH_ASSERT(may_be_set(gate) && find(gate));
  const auto set = settings.find(gate);
  return set == settings.end() ? find(gate)->on_by_default : set->second == "true";
}

}  // namespace ph::daemon
