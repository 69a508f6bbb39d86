// PUT and PATCH of pods/x/ephemeralcontainers and pods/x/resize: the two parts of a running pod's spec that may change.
#include <algorithm>

#include <fmt/format.h>

#include "api/errors.h"
#include "api/internal_form.h"
#include "api/kinds.h"
#include "api/object.h"
#include "api/rules.h"
#include "api/text_diff.h"
#include "api/value.h"
#include "apiserver/parts/object_part.h"
#include "apiserver/parts/parts.h"
#include "apiserver/parts/pod_resize.h"

namespace ph::apiserver {
namespace {

using core::v1::EphemeralContainer;
using core::v1::Pod;

// `stored`, with the part of `wanted` that this sub-resource is about, and what is wrong with that.
using TakePart = Pod (*)(const Pod& stored, const Pod& wanted, api::Errors& errors);

const std::string& name_of(const EphemeralContainer& container) { return container.ephemeral_container_common().name(); }

// The rules of a spec, without those of what may be there at first or may change.
void check_spec(const Pod& pod, api::Errors& errors) { api::rules_of(api::schema_of<Pod>()).validate_update(pod, pod, errors); }

void check_kept(const EphemeralContainer& existing, const EphemeralContainer* now, const api::Path& path, api::Errors& errors) {
  const std::string& name = name_of(existing);
  if (!now) {
    errors.forbidden(path, fmt::format("existing ephemeral containers \"{}\" may not be removed\n", name));
  } else if (!api::Value::equal(api::Value::of(existing), api::Value::of(*now))) {
    errors.forbidden(path, fmt::format("existing ephemeral containers \"{}\" may not be changed\n{}", name,
                                       api::diff_lines(api::internal_json_lines(existing), api::internal_json_lines(*now))));
  }
}

// The pod as it is to be, judged.
Pod with_ephemeral_containers(const Pod& stored, const Pod& wanted, api::Errors& errors) {
  Pod pod = stored;
  const auto& list = wanted.spec().ephemeral_containers();
  *pod.mutable_spec()->mutable_ephemeral_containers() = list;
  check_spec(pod, errors);
  for (const EphemeralContainer& existing : stored.spec().ephemeral_containers()) {
    const auto found = std::ranges::find(list, name_of(existing), name_of);
    check_kept(existing, found == list.end() ? nullptr : &*found, api::Path("spec.ephemeralContainers"), errors);
  }
  return pod;
}

Pod with_size(const Pod& stored, const Pod& wanted, api::Errors& errors) {
  Pod pod = resized(stored, wanted);
  check_spec(pod, errors);
  check_resize(pod, stored, errors);
  return pod;
}

MakePart with_part(const Call& call, TakePart take) {
  return [&call, take](const api::Object& stored, const api::Object& wanted) -> api::Object {
    api::Errors errors;
    auto pod = std::make_unique<Pod>(take(stored.as<Pod>(), wanted.as<Pod>(), errors));
    if (!errors.empty()) throw api::invalid(call.served->qualified_kind, pod->metadata().name(), errors.list());
    return pod;
  };
}

TakePart part_of(const Call& call) { return call.info.subresource == "resize" ? &with_size : &with_ephemeral_containers; }

}  // namespace

Task<HttpResponse> update_pod_part(Core& core, Call& call) { return update_part(core, call, with_part(call, part_of(call))); }
Task<HttpResponse> patch_pod_part(Core& core, Call& call) { return patch_part(core, call, with_part(call, part_of(call))); }

}  // namespace ph::apiserver
