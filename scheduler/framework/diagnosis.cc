#include "scheduler/framework/diagnosis.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace ph::scheduler {

void Diagnosis::add(const Verdict& verdict, std::size_t nodes) {
  if (!verdict.plugin().empty()) {
    (verdict.code() == Code::Pending ? pending : rejectors).insert(verdict.plugin());
  }
  if (nodes == 0) return;
  Refusals& refusals = by_plugin[std::string(verdict.plugin())];
  refusals.nodes += nodes;
  for (const std::string_view reason : verdict.reasons()) {
    refusals.reasons[std::string(reason)] += nodes;
    reasons[std::string(reason)] += nodes;
  }
}

std::string fit_message(const Diagnosis& diagnosis) {
  std::string out = fmt::format("0/{} nodes are available:", diagnosis.nodes_total);
  if (!diagnosis.pre_filter_message.empty()) {
    // Every node would repeat it.
    out += fmt::format(" {}.", diagnosis.pre_filter_message);
  } else if (!diagnosis.reasons.empty()) {
    std::vector<std::string> counted;
    for (const auto& [reason, nodes] : diagnosis.reasons) counted.push_back(fmt::format("{} {}", nodes, reason));
    std::ranges::sort(counted);
    out += fmt::format(" {}.", fmt::join(counted, ", "));
  }
  if (!diagnosis.post_filter_message.empty()) out += " " + diagnosis.post_filter_message;
  return out;
}

}  // namespace ph::scheduler
