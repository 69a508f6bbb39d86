// The API services of the groups that the server serves itself: what they are to say, and what is to be done about those that there
// are. Pure. Upstream: cmd/kube-apiserver/app/aggregator.go, kube-aggregator/pkg/controllers/autoregister
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/kinds.h"
#include "api/schema.h"

namespace ph::apiserver {

using apiregistration::v1::APIService;

// The label that says who keeps an API service: one without it is its maker's own.
inline constexpr const char* kAutomanaged = "kube-aggregator.kubernetes.io/automanaged";
inline constexpr std::string_view kOnStart = "onstart";  // of what is built in: looked at when the server starts
inline constexpr std::string_view kAlways = "true";      // of custom kinds: as long as one of that version is served

// One for each group and version of `resources`; by name.
std::vector<APIService> local_api_services(api::Resources resources);

struct ApiServiceChanges {
  std::vector<APIService> create, update;  // as they are to be
  std::vector<APIService> remove;          // as they are
};
// What makes `existing` those that are `wanted`, of one way of keeping them alone.
ApiServiceChanges plan_api_services(const std::vector<APIService>& wanted, const std::vector<APIService>& existing,
                                    std::string_view kept);

}  // namespace ph::apiserver
