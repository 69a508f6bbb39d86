// What a scheduler and an extender send each other: k8s.io/kube-scheduler/extender/v1 as JSON.
//
// Answers are read as Go reads them: names of members without regard to case, unknown members and what follows the first
// value ignored, null the same as absent. Memory is bounded by the text: of the nodes of an answer only the names are kept.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/kinds.h"

namespace ph::scheduler {

// ExtenderArgs, made node by node, so that a long list can be made in several turns.
class ExtenderArgsWriter {
 public:
  ExtenderArgsWriter(const core::v1::Pod& pod, bool names_only);
  void add(const core::v1::Node& node);
  std::string finish() &&;

 private:
  const bool names_only_;
  bool first_ = true;
  std::string text_;
};

// ExtenderBindingArgs
std::string extender_binding_args(const core::v1::Pod& pod, std::string_view node);

struct ExtenderFilterResult {
  std::optional<std::vector<std::string>> nodes;  // the names of its nodes
  std::optional<std::vector<std::string>> node_names;
  std::map<std::string, std::string> failed_nodes, failed_and_unresolvable_nodes;  // → why
  std::string error;
};

struct HostPriority {
  std::string host;
  std::int64_t score = 0;
  bool operator==(const HostPriority&) const = default;
};

// All throw api::DecodeError, in Go's words.
ExtenderFilterResult read_extender_filter_result(std::string_view text);
std::vector<HostPriority> read_host_priorities(std::string_view text);
// ExtenderBindingResult: its error, empty when there is none.
std::string read_extender_binding_result(std::string_view text);

}  // namespace ph::scheduler
