#include <fmt/format.h>

#include "api/errors.h"
#include "api/rules.h"
#include "scheduler/why/question.h"

namespace ph::scheduler::why {

using core::v1::Node, core::v1::Pod;

void complete(Question& question) {
  const auto& of_nodes = api::rules_of(api::schema_of<Node>());
  for (Node& node : question.edits.nodes) {
    if (of_nodes.set_defaults) of_nodes.set_defaults(node);
  }
  if (!question.given) return;
  Pod& pod = *question.given;
  const auto& of_pods = api::rules_of(api::schema_of<Pod>());
  of_pods.set_defaults(pod);
  api::Errors errors;
  api::validate_metadata(*api::Scheme::builtin().resource(api::schema_of<Pod>()), pod.metadata(), errors);
  of_pods.validate(pod, errors);
  if (!errors.empty()) throw api::invalid("Pod", pod.metadata().name(), errors.list());
  if (!pod.spec().priority_class_name().empty() && !pod.spec().has_priority()) {
    throw api::bad_request(
        "the pod has a priorityClassName and no priority: give it as the apiserver admits it (kubectl create --dry-run=server)");
  }
}

}  // namespace ph::scheduler::why
