// Diagnosis: why a pod could not be placed: which plugin refused how many nodes, for which reasons.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "scheduler/framework/plugin.h"

namespace ph::scheduler {

struct Diagnosis {
  struct Refusals {
    std::size_t nodes = 0;
    std::map<std::string, std::size_t> reasons;  // → nodes
  };

  std::size_t nodes_total = 0;
  std::map<std::string, Refusals, std::less<>> by_plugin;
  // All reasons, whichever plugin gave them.
  std::map<std::string, std::size_t> reasons;
  std::string pre_filter_message;  // a refusal of all nodes at once
  std::string post_filter_message;
  // Plugins whose events wake the pod. Pending ones wake it without a backoff.
  std::set<std::string_view> rejectors, pending;
  Time at{};
  std::string message;  // as the event and the condition have it

  // `nodes` nodes were refused with this verdict.
  void add(const Verdict& verdict, std::size_t nodes = 1);
};

// `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint(s).`
std::string fit_message(const Diagnosis& diagnosis);

// Stands for all extenders where plugins are named.
inline constexpr std::string_view kExtenderName = "Extender";

inline constexpr std::string_view kNoNodes = "no nodes available to schedule pods";

}  // namespace ph::scheduler
