#include "node/problems.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/validation/quote.h"
#include "node/behaviour.h"

namespace ph::node {
namespace {

struct Named {
  std::string_view name;
  Problem problem;
};
constexpr Named kProblems[] = {
    {"silent", kSilent},
    {"not-ready", kNotReady},
    {"network-unavailable", kNetworkUnavailable},
    {"memory-pressure", kMemoryPressure},
    {"disk-pressure", kDiskPressure},
    {"pid-pressure", kPidPressure},
};

std::string all_names() {
  std::string out;
  for (const Named& each : kProblems) out += fmt::format("{}{}", out.empty() ? "" : ", ", each.name);
  return out;
}

}  // namespace

Problems parse_problems(std::string_view text) {
  Problems out = 0;
  while (!text.empty()) {
    const auto end = std::min(text.find(','), text.size());
    std::string_view name = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    const auto found = std::ranges::find(kProblems, name, &Named::name);
    if (found == std::end(kProblems)) throw AskError(fmt::format("{} is none of {}", api::quote(name), all_names()));
    out |= found->problem;
  }
  return out;
}

}  // namespace ph::node
