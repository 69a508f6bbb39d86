// A pod's containers of all three kinds.
#pragma once

#include <string>

#include <fmt/format.h>

#include "core/v1.pb.h"

namespace ph::apiserver::admission {

// Calls `visit(container, path)` with a Container or an EphemeralContainerCommon: init containers, containers, ephemeral ones. What it is
// given can be changed if the spec can. `path`: "spec.containers[0]".
template <class Spec, class Visit>
void each_container(Spec& spec, Visit visit) {
  int i = 0;
  const auto path = [&i](const char* member) { return fmt::format("spec.{}[{}]", member, i++); };
  if constexpr (std::is_const_v<Spec>) {
    for (const auto& container : spec.init_containers()) visit(container, path("initContainers"));
    i = 0;
    for (const auto& container : spec.containers()) visit(container, path("containers"));
    i = 0;
    for (const auto& each : spec.ephemeral_containers()) visit(each.ephemeral_container_common(), path("ephemeralContainers"));
  } else {
    for (auto& container : *spec.mutable_init_containers()) visit(container, path("initContainers"));
    i = 0;
    for (auto& container : *spec.mutable_containers()) visit(container, path("containers"));
    i = 0;
    for (auto& each : *spec.mutable_ephemeral_containers())
      visit(*each.mutable_ephemeral_container_common(), path("ephemeralContainers"));
  }
}

}  // namespace ph::apiserver::admission
