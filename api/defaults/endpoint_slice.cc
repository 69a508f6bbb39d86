// discovery.k8s.io/v1 EndpointSlice.
#include "api/defaults/defaults.h"

namespace ph::api {

void set_defaults(discovery::v1::EndpointSlice& slice) {
  for (discovery::v1::EndpointPort& port : *slice.mutable_ports()) {
    if (!port.has_name()) port.set_name("");
    if (!port.has_protocol()) port.set_protocol("TCP");
  }
}

}  // namespace ph::api
