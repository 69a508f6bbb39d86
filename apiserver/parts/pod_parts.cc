// PUT and PATCH of pods/x/ephemeralcontainers and pods/x/resize: the two parts of a running pod's spec that may change.
#include <algorithm>

#include <fmt/format.h>

#include "api/errors.h"
#include "api/kinds.h"
#include "api/object.h"
#include "api/rules.h"
#include "api/value.h"
#include "apiserver/parts/object_part.h"
#include "apiserver/parts/parts.h"
#include "apiserver/registry/qos.h"

namespace ph::apiserver {
namespace {

using core::v1::Container;
using core::v1::EphemeralContainer;
using core::v1::Pod;

// Gives `pod` the part of `wanted` that this sub-resource is about.
using TakePart = void (*)(Pod& pod, const Pod& wanted, api::Errors& errors);

const std::string& name_of(const EphemeralContainer& container) { return container.ephemeral_container_common().name(); }

void take_ephemeral_containers(Pod& pod, const Pod& wanted, api::Errors& errors) {
  const api::Path path("spec.ephemeralContainers");
  for (const EphemeralContainer& existing : pod.spec().ephemeral_containers()) {
    const auto& list = wanted.spec().ephemeral_containers();
    const auto found = std::ranges::find(list, name_of(existing), name_of);
    if (found == list.end()) {
      errors.forbidden(path, fmt::format("existing ephemeral containers \"{}\" may not be removed", name_of(existing)));
    } else if (!api::Value::equal(api::Value::of(existing), api::Value::of(*found))) {
      errors.forbidden(path, fmt::format("existing ephemeral containers \"{}\" may not be changed", name_of(existing)));
    }
  }
  *pod.mutable_spec()->mutable_ephemeral_containers() = wanted.spec().ephemeral_containers();
}

template <class Containers>
void take_resources(Containers& to, const Containers& from) {
  for (Container& container : to) {
    const auto found = std::ranges::find(from, container.name(), [](const Container& other) { return other.name(); });
    if (found == from.end()) continue;
    *container.mutable_resources() = found->resources();
    *container.mutable_resize_policy() = found->resize_policy();
  }
}

bool same_spec(const Pod& a, const Pod& b) {
  return api::Value::equal(api::Value::of(a).member("spec"), api::Value::of(b).member("spec"));
}

void take_size(Pod& pod, const Pod& wanted, api::Errors& errors) {
  auto& spec = *pod.mutable_spec();
  take_resources(*spec.mutable_containers(), wanted.spec().containers());
  take_resources(*spec.mutable_init_containers(), wanted.spec().init_containers());
  if (!same_spec(pod, wanted)) errors.forbidden(api::Path("spec"), "only cpu and memory resources are mutable");
  if (qos_class(pod) != pod.status().qos_class()) {
    errors.invalid_text(api::Path("metadata"), pod.metadata().name(), "Pod QOS Class may not change as a result of resizing");
  }
}

MakePart with_part(const Call& call, TakePart take) {
  return [&call, take](const api::Object& stored, const api::Object& wanted) -> api::Object {
    auto pod = std::make_unique<Pod>(stored.as<Pod>());
    api::Errors errors;
    take(*pod, wanted.as<Pod>(), errors);
    // As an update from itself: the rules of a spec, without those of what may be there at first or may change.
    if (errors.empty()) api::rules_of(*call.served->resource->schema).validate_update(*pod, *pod, errors);
    if (!errors.empty()) throw api::invalid(call.served->qualified_kind, pod->metadata().name(), errors.list());
    return pod;
  };
}

TakePart part_of(const Call& call) { return call.info.subresource == "resize" ? &take_size : &take_ephemeral_containers; }

}  // namespace

Task<HttpResponse> update_pod_part(Core& core, Call& call) { return update_part(core, call, with_part(call, part_of(call))); }
Task<HttpResponse> patch_pod_part(Core& core, Call& call) { return patch_part(core, call, with_part(call, part_of(call))); }

}  // namespace ph::apiserver
