// What the endpointslice loop counts: how many slices there are, and how many there would have to be.
#pragma once

#include <map>
#include <string>

#include "api/object.h"
#include "base/metrics.h"
#include "controllers/endpoint_slice/plan.h"

namespace ph::controllers::endpoint_slice {

struct EndpointSliceFamilies {
  Metrics* in = nullptr;

  // clang-format off
  Gauge slices = single<Gauge>(in, {Stability::Beta, "endpoint_slice_controller_num_endpoint_slices",
      "Slices there are.", {}});
  Gauge desired_slices = single<Gauge>(in, {Stability::Beta, "endpoint_slice_controller_desired_endpoint_slices",
      "Slices there would be if all were full.", {}});
  Gauge endpoints = single<Gauge>(in, {Stability::Beta, "endpoint_slice_controller_endpoints_desired",
      "Endpoints the services have.", {}});
  Histogram added = single<Histogram>(in, {Stability::Beta, "endpoint_slice_controller_endpoints_added_per_sync",
      "Endpoints that were added when a service was looked at.", {}, exponential_buckets(2, 2, 15)});
  Histogram removed = single<Histogram>(in, {Stability::Beta, "endpoint_slice_controller_endpoints_removed_per_sync",
      "Endpoints that were removed when a service was looked at.", {}, exponential_buckets(2, 2, 15)});
  Family<Gauge> by_distribution{in, {Stability::Beta, "endpoint_slice_controller_services_count_by_traffic_distribution",
      "Services that ask for a traffic distribution.", {"traffic_distribution"}}};
  // clang-format on
};

class EndpointSliceMetrics {
 public:
  // `metrics` may be null: then nothing is counted.
  explicit EndpointSliceMetrics(Metrics* metrics) : families_{metrics} {}
  // A loop that has ended keeps no services.
  ~EndpointSliceMetrics();
  EndpointSliceMetrics(const EndpointSliceMetrics&) = delete;
  EndpointSliceMetrics& operator=(const EndpointSliceMetrics&) = delete;

  // One service, over its address types.
  struct Service {
    int slices = 0, desired_slices = 0, endpoints = 0;
    int added = 0, removed = 0;  // by this look
    std::string traffic_distribution;
  };
  // Adds one address type.
  void tally(Service& service, const std::vector<Group>& groups, const std::vector<discovery::v1::EndpointSlice>& existing,
             const Plan& plan, int max_per_slice) const;
  void looked_at(const ObjectKey& key, Service service);
  // The service has gone, or has no endpoints of ours.
  void forget(const ObjectKey& key);

 private:
  void add(const Service& service, int sign) const;

  const EndpointSliceFamilies families_;
  std::map<ObjectKey, Service> services_;
};

}  // namespace ph::controllers::endpoint_slice
