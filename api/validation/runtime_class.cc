// node.k8s.io/v1 RuntimeClass.
#include <fmt/format.h>

#include "api/validation/pod_parts.h"

namespace ph::api {

using core::v1::Toleration;
using node::v1::RuntimeClass;

namespace {

// As upstream shows its own type.
std::string shown(const Toleration& toleration) {
  return fmt::format(R"({{"Key":{},"Operator":{},"Value":{},"Effect":{},"TolerationSeconds":{}}})", quote(toleration.key()),
                     quote(toleration.operator_()), quote(toleration.value()), quote(toleration.effect()),
                     toleration.has_toleration_seconds() ? std::to_string(toleration.toleration_seconds()) : "null");
}

void check_scheduling(const node::v1::Scheduling& scheduling, const Path& path, Errors& errors) {
  check_labels(scheduling.node_selector(), path.member("nodeSelector"), errors);
  const Path tolerations = path.member("tolerations");
  check_tolerations(scheduling.tolerations(), tolerations, errors);
  std::set<std::string> seen;
  for (int i = 0; i < scheduling.tolerations_size(); ++i) {
    const std::string text = shown(scheduling.tolerations(i));
    if (!seen.insert(text).second) errors.duplicate_json(tolerations.index(static_cast<std::size_t>(i)), text);
  }
}

}  // namespace

void validate(const RuntimeClass& object, Errors& errors) {
  if (object.handler().empty()) errors.required(Path("handler"));
  else check_label(object.handler(), Path("handler"), errors);
  if (object.has_overhead()) {
    // What the runtime needs is judged, and told of, as the limits of a container.
    core::v1::ResourceRequirements fixed;
    *fixed.mutable_limits() = object.overhead().pod_fixed();
    check_container_resources(fixed, {}, Path("overhead"), errors);
  }
  if (object.has_scheduling()) check_scheduling(object.scheduling(), Path("scheduling"), errors);
}

void validate_update(const RuntimeClass& now, const RuntimeClass& old, Errors& errors) {
  validate(now, errors);
  check_immutable(now.handler(), old.handler(), Path("handler"), errors);
}

}  // namespace ph::api
