// resource.k8s.io/v1 ResourceClaim and ResourceClaimTemplate.
#include "api/defaults/defaults.h"

namespace ph::api {

using namespace resources::v1;

namespace {

// Of a request and of each alternative of one.
template <class Request>
void default_request(Request& request) {
  if (request.allocation_mode().empty()) request.set_allocation_mode("ExactCount");
  if (request.allocation_mode() == "ExactCount" && request.count() == 0) request.set_count(1);
  for (DeviceToleration& toleration : *request.mutable_tolerations()) {
    if (toleration.operator_().empty()) toleration.set_operator_("Equal");
  }
}

void default_claim(ResourceClaimSpec& spec) {
  for (DeviceRequest& request : *spec.mutable_devices()->mutable_requests()) {
    if (request.has_exactly()) default_request(*request.mutable_exactly());
    for (DeviceSubRequest& alternative : *request.mutable_first_available()) default_request(alternative);
  }
}

}  // namespace

void set_defaults(ResourceClaim& object) { default_claim(*object.mutable_spec()); }
void set_defaults(ResourceClaimTemplate& object) { default_claim(*object.mutable_spec()->mutable_spec()); }

}  // namespace ph::api
