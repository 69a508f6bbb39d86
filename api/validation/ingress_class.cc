// networking.k8s.io/v1 IngressClass.
#include "api/validation/ingress_parts.h"

namespace ph::api {

using networking::v1::IngressClass, networking::v1::IngressClassParametersReference;

namespace {

constexpr std::size_t kControllerMax = 250;

void check_parameters(const IngressClassParametersReference& parameters, const Path& path, Errors& errors) {
  check_typed_reference(parameters, path, errors);
  const Path space = path.member("namespace");
  if (!parameters.has_scope()) {
    errors.required(path.member("scope"));
  } else if (parameters.scope() == "Cluster") {
    if (parameters.has_namespace_()) errors.forbidden(space, "`parameters.scope` is set to 'Cluster'");
  } else if (parameters.scope() != "Namespace") {
    errors.not_supported(path.member("scope"), parameters.scope(), {"Cluster", "Namespace"});
  } else if (!parameters.has_namespace_()) {
    errors.required(space, "`parameters.scope` is set to 'Namespace'");
  } else {
    check_label(parameters.namespace_(), space, errors);
  }
}

}  // namespace

void validate(const IngressClass& object, Errors& errors) {
  const Path path("spec"), controller = path.member("controller");
  if (object.spec().controller().size() > kControllerMax) errors.too_long(controller, kControllerMax);
  check_prefixed_path(object.spec().controller(), controller, errors);
  if (object.spec().has_parameters()) check_parameters(object.spec().parameters(), path.member("parameters"), errors);
}

void validate_update(const IngressClass& now, const IngressClass& old, Errors& errors) {
  check_immutable(now.spec().controller(), old.spec().controller(), Path("spec").member("controller"), errors);
  validate(now, errors);
}

}  // namespace ph::api
