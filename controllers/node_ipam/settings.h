// What the flags say of the ranges that nodes are given. Pure.
#pragma once

#include <string>
#include <vector>

#include "api/addresses.h"
#include "controllers/runtime/options.h"

namespace ph::controllers::node_ipam {

// A range of the cluster, of one family, and how many bits tell a node's part of it.
struct ClusterRange {
  api::AddressRange range;
  unsigned node_bits = 0;
};

struct Settings {
  std::vector<ClusterRange> cluster;           // one, or one of each family
  std::vector<api::AddressRange> not_to_give;  // the addresses of services
  std::vector<std::string> passed_over;        // service ranges that nobody can read
};

// Throws std::invalid_argument, with upstream's words, for what upstream's controller manager does not start with. The first is wrong
// whether nodes are given ranges or not.
void check_service_ranges(const NodeIpamOptions& options);
Settings read_settings(const NodeIpamOptions& options);

}  // namespace ph::controllers::node_ipam
