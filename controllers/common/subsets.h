// The subsets of Endpoints in their canonical form (upstream: k8s.io/kubernetes/pkg/api/v1/endpoints). Pure.
#pragma once

#include <vector>

#include "core/v1.pb.h"

namespace ph::controllers {

// Says the same of every address and port with as few subsets as can be: ports that the same addresses have are in one subset. An
// address that is ready here and not ready there, for one port, is not ready. Subsets are ordered by their ports, addresses as texts.
std::vector<core::v1::EndpointSubset> repacked(const std::vector<core::v1::EndpointSubset>& subsets);

}  // namespace ph::controllers
