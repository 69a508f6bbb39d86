#include "controllers/endpoint_slice/metrics.h"

#include <algorithm>
#include <set>
#include <string_view>

namespace ph::controllers::endpoint_slice {

EndpointSliceMetrics::~EndpointSliceMetrics() {
  for (const auto& [key, service] : services_) add(service, -1);
}

void EndpointSliceMetrics::tally(Service& service, const std::vector<Group>& groups,
                                 const std::vector<discovery::v1::EndpointSlice>& existing, const Plan& plan,
                                 int max_per_slice) const {
  if (!families_.in) return;
  std::set<std::string_view> before, after;
  for (const auto& slice : existing) {
    for (const auto& endpoint : slice.endpoints()) before.insert(endpoint.target_ref().uid());
  }
  int full = 0;
  for (const Group& group : groups) {
    for (const auto& endpoint : group.endpoints) after.insert(endpoint.target_ref().uid());
    full += (static_cast<int>(group.endpoints.size()) + max_per_slice - 1) / max_per_slice;
  }
  service.endpoints += static_cast<int>(after.size());
  service.desired_slices += std::max(full, 1);  // a service without endpoints keeps an empty one
  service.slices += static_cast<int>(existing.size() + plan.create.size() - plan.remove.size());
  service.added += static_cast<int>(std::ranges::count_if(after, [&](auto uid) { return !before.contains(uid); }));
  service.removed += static_cast<int>(std::ranges::count_if(before, [&](auto uid) { return !after.contains(uid); }));
}

void EndpointSliceMetrics::looked_at(const ObjectKey& key, Service service) {
  if (!families_.in) return;
  families_.added.observe(static_cast<double>(service.added));
  families_.removed.observe(static_cast<double>(service.removed));
  forget(key);
  add(service, 1);
  services_.emplace(key, std::move(service));
}

void EndpointSliceMetrics::forget(const ObjectKey& key) {
  const auto known = services_.find(key);
  if (known == services_.end()) return;
  add(known->second, -1);
  services_.erase(known);
}

void EndpointSliceMetrics::add(const Service& service, int sign) const {
  families_.slices.add(sign * service.slices);
  families_.desired_slices.add(sign * service.desired_slices);
  families_.endpoints.add(sign * service.endpoints);
  if (service.traffic_distribution.empty()) return;
  families_.by_distribution.with({service.traffic_distribution}).add(sign);
}

}  // namespace ph::controllers::endpoint_slice
