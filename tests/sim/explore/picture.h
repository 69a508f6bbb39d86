// What a simulated cluster holds, in words that do not tell what is drawn or when it happened: two runs that came to the same end
// give the same lines.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/sim/cluster.h"

namespace ph::sim::explore {

class Picture {
 public:
  // From now on; the picture outlives the cluster's last write.
  void follow(Cluster& cluster);

  // One line an object, in their order. Left out: events, leases, what nodes say of themselves, versions, UIDs, generations and times;
  // a generated name is told by its prefix, an address that the cluster gave by its kind.
  std::vector<std::string> lines() const;
  // How many objects were made of each kind, whether or not they are still there.
  const std::map<std::string, std::uint64_t>& made() const { return made_; }

 private:
  struct Object {
    api::GroupVersionKind kind;
    std::string bytes;
  };
  std::map<std::string, Object> objects_;  // by the store's key
  std::map<std::string, std::uint64_t> made_;
};

// What differs, one line each, with "-" where only `wanted` has it; empty: nothing.
std::vector<std::string> differences(const std::vector<std::string>& wanted, const std::vector<std::string>& got);

}  // namespace ph::sim::explore
