#include "apiserver/registry/qos.h"

#include <array>

#include "api/pod_resources.h"

namespace ph::apiserver {
namespace {

using api::Quantity;
using core::v1::ResourceRequirements;
using QuantityMap = google::protobuf::Map<std::string, meta::v1::Quantity>;

constexpr std::array<std::string_view, 2> kCounted{"cpu", "memory"};

struct Sums {
  std::array<Quantity, 2> requests, limits;
  bool all_limited = true;  // every container has a limit of every counted resource
};

Quantity amount(const QuantityMap& resources, std::string_view name) {
  const auto found = resources.find(std::string(name));
  if (found == resources.end()) return {};
  const Quantity quantity = Quantity::parse(found->second.string()).value_or(Quantity());
  return quantity.sign() > 0 ? quantity : Quantity();  // nobody is served with less than nothing
}

void add(Sums& sums, const ResourceRequirements& resources) {
  for (std::size_t i = 0; i < kCounted.size(); ++i) {
    sums.requests[i] += amount(resources.requests(), kCounted[i]);
    const Quantity limit = amount(resources.limits(), kCounted[i]);
    sums.limits[i] += limit;
    if (limit.is_zero()) sums.all_limited = false;
  }
}

Sums sum(const core::v1::PodSpec& spec) {
  Sums sums;
  if (api::has_resources_as_a_whole(spec)) {
    add(sums, spec.resources());
    return sums;
  }
  for (const auto& container : spec.containers()) add(sums, container.resources());
  for (const auto& container : spec.init_containers()) add(sums, container.resources());
  return sums;
}

}  // namespace

std::string qos_class(const core::v1::Pod& pod) {
  const Sums sums = sum(pod.spec());
  bool none = true;
  bool equal = true;
  for (std::size_t i = 0; i < kCounted.size(); ++i) {
    none = none && sums.requests[i].is_zero() && sums.limits[i].is_zero();
    equal = equal && sums.requests[i] == sums.limits[i];
  }
  if (none) return "BestEffort";
  return equal && sums.all_limited ? "Guaranteed" : "Burstable";
}

}  // namespace ph::apiserver
