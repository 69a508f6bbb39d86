// `pilothouse flow-graph -f FILE`: the flow network that a profile with FlowPlacement makes of the nodes and pods of files, and its cheapest
// flow, in GraphViz's language. Nobody is asked and nothing is placed: what a file does not have is not there.
//
//   kubectl get nodes,pods -A -o yaml | pilothouse flow-graph -f - | dot -Tsvg > network.svg
#pragma once

#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "daemon/flags.h"

namespace ph::pilothouse {

struct FlowGraphOptions {
  std::vector<std::string> files;  // of nodes and pods
  std::string config;              // a KubeSchedulerConfiguration; empty: one profile with FlowPlacement as it comes
  std::string scheduler_name;      // of the profile; empty: the first with FlowPlacement
};

// The options must outlive the set.
void add_flags(daemon::FlagSet& flags, FlowGraphOptions& options);

// `configuration`: the text of a KubeSchedulerConfiguration, or empty. Other objects than nodes and pods are passed by. Throws FlagError for a
// profile that is not there or does not place by flow, and what decoding and parsing throw.
std::string flow_graph(const std::vector<nlohmann::json>& objects, const std::string& configuration,
                       const std::string& scheduler_name);

// As controller_manager().
int flow_graph_program(const std::string& program, std::span<const std::string> args);

}  // namespace ph::pilothouse
