// v1 Endpoints.
#include "api/defaults/defaults.h"

namespace ph::api {

void set_defaults(core::v1::Endpoints& endpoints) {
  for (core::v1::EndpointSubset& subset : *endpoints.mutable_subsets()) {
    for (core::v1::EndpointPort& port : *subset.mutable_ports()) {
      if (port.protocol().empty()) port.set_protocol("TCP");
    }
  }
}

}  // namespace ph::api
