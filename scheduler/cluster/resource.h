// Amounts of resources: what a pod asks for and what a node has. cpu in thousandths, everything else in units.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/kinds.h"
#include "api/pod_resources.h"
#include "informers/pod_view.h"

namespace ph::scheduler {

using informers::Interned;

inline constexpr std::int64_t kDefaultMilliCpu = 100;  // of a container without a request, when scoring
inline constexpr std::int64_t kDefaultMemory = 200 * 1024 * 1024;

// A resource list of the API as numbers. `pods` is a node's limit of pods.
struct Resource {
  std::int64_t milli_cpu = 0;
  std::int64_t memory = 0;
  std::int64_t ephemeral_storage = 0;
  std::int64_t pods = 0;
  std::vector<std::pair<Interned, std::int64_t>> scalars;  // extended resources, huge pages, …; sorted by name

  std::int64_t scalar(std::string_view name) const;
  // Of any name, cpu in thousandths.
  std::int64_t amount(std::string_view name) const;
  void set(std::string_view name, const api::Quantity& quantity);
  Resource& operator+=(const Resource& other) { return merge(other, 1); }
  Resource& operator-=(const Resource& other) { return merge(other, -1); }
  bool operator==(const Resource& other) const = default;

 private:
  std::int64_t& scalar_slot(Interned name);
  Resource& merge(const Resource& other, std::int64_t sign);
};

using ResourceMap = google::protobuf::Map<std::string, meta::v1::Quantity>;

Resource to_resource(const ResourceMap& list);
Resource to_resource(const api::ResourceAmounts& list);

// A resource outside of kubernetes.io, as vendors name them.
bool is_extended_resource(std::string_view name);
// A resource that Resource keeps among `scalars`.
bool is_scalar_resource(std::string_view name);

// What a pod asks for in all (api::pod_requests).
Resource requests_of(const core::v1::Pod& pod);
// The same, where containers without a cpu or memory request count with a default: what scores are made of.
Resource scored_requests_of(const core::v1::Pod& pod);
// Both, as if the pod asked for nothing as a whole.
Resource requests_of_containers(const core::v1::Pod& pod);
Resource scored_requests_of_containers(const core::v1::Pod& pod);

}  // namespace ph::scheduler
