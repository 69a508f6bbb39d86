// v1 Node.
#include "api/defaults/defaults.h"

namespace ph::api {

using namespace core::v1;

namespace {

// podCIDR is the first of podCIDRs; where a writer knew only one of them, the other follows.
void align_pod_cidrs(NodeSpec& spec) {
  if (!spec.pod_cidr().empty() && (spec.pod_cidrs().empty() || spec.pod_cidrs(0) != spec.pod_cidr())) {
    spec.clear_pod_cidrs();
    spec.add_pod_cidrs(spec.pod_cidr());
  }
  if (!spec.pod_cidrs().empty()) spec.set_pod_cidr(spec.pod_cidrs(0));
}

}  // namespace

void set_defaults(Node& node) {
  NodeStatus& status = *node.mutable_status();
  if (status.allocatable().empty()) *status.mutable_allocatable() = status.capacity();
  round_up(*status.mutable_capacity());
  round_up(*status.mutable_allocatable());
  align_pod_cidrs(*node.mutable_spec());
}

}  // namespace ph::api
