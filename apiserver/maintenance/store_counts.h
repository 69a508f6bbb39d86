// How many objects of which resource a store holds.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace ph::apiserver {

struct StoreCounts {
  struct Count {
    std::uint64_t objects = 0;
    std::uint64_t bytes = 0;  // of the stored values
  };
  // By resource, as kubectl names it: "pods", "deployments.apps". Keys that belong to no resource are counted under the
  // first part of their path.
  std::map<std::string, Count> resources;
  Count all;

  void add(std::string_view key, std::size_t value_bytes);
};

}  // namespace ph::apiserver
