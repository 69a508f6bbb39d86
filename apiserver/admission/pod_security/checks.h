// The checks of the standards, one function each; who calls them, and since which version, is in checks.def.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/admission/pod_security/policy.h"

namespace ph::apiserver::pod_security {

struct Subject {
  const meta::v1::ObjectMeta& metadata;
  const core::v1::PodSpec& spec;

  // Every container, init containers first: `visit(container)`, of Container or EphemeralContainerCommon.
  template <class Visit>
  void each_container(Visit visit) const {
    for (const auto& container : spec.init_containers()) visit(container);
    for (const auto& container : spec.containers()) visit(container);
    for (const auto& container : spec.ephemeral_containers()) visit(container.ephemeral_container_common());
  }
  bool is_of_windows() const { return spec.os().name() == "windows"; }
  // Root in such a pod is nobody on the node.
  bool has_users_of_its_own() const { return spec.has_host_users() && !spec.host_users(); }
};

using Names = std::vector<std::string>;

std::string_view one_or_more(std::string_view one, std::string_view more, std::size_t count);
// "a", "b".
std::string in_quotes(const Names& names);
std::string in_quotes(const std::set<std::string>& names);
// container "a"; containers "a", "b".
std::string containers(const Names& names);

// Those who set a field, for messages: the pod, some containers.
struct Setters {
  bool pod = false;
  Names names;
  bool any() const { return pod || !names.empty(); }
  std::string text() const;  // pod and container "c"
};

using Check = std::optional<Violation> (*)(const Subject&);

#define CHECK(id, level, since, function, instead_of) std::optional<Violation> function(const Subject& of);
#include "apiserver/admission/pod_security/checks.def"
#undef CHECK

}  // namespace ph::apiserver::pod_security
