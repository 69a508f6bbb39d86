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
#include "apiserver/registry/qos.h"

namespace ph::apiserver {
namespace {

using core::v1::Container;
using core::v1::EphemeralContainer;
using core::v1::Pod;

// Gives `pod` the part of `wanted` that this sub-resource is about.
using TakePart = void (*)(Pod& pod, const Pod& wanted, api::Errors& errors);

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

void take_ephemeral_containers(Pod& pod, const Pod& wanted, api::Errors& errors) {
  const Pod stored = pod;
  *pod.mutable_spec()->mutable_ephemeral_containers() = wanted.spec().ephemeral_containers();
  check_spec(pod, errors);
  for (const EphemeralContainer& existing : stored.spec().ephemeral_containers()) {
    const auto& list = wanted.spec().ephemeral_containers();
    const auto found = std::ranges::find(list, name_of(existing), name_of);
    check_kept(existing, found == list.end() ? nullptr : &*found, api::Path("spec.ephemeralContainers"), errors);
  }
}

using Amounts = google::protobuf::Map<std::string, meta::v1::Quantity>;
constexpr const char* kResizable[] = {"cpu", "memory"};

void put_back(Amounts& now, const Amounts& old) {
  for (const char* name : kResizable) {
    const auto before = old.find(name);
    if (before == old.end()) now.erase(name);
    else now[name] = before->second;
  }
}

void put_back(core::v1::ResourceRequirements& now, const core::v1::ResourceRequirements& old) {
  put_back(*now.mutable_limits(), old.limits());
  put_back(*now.mutable_requests(), old.requests());
}

template <class Containers>
void put_back_each(Containers& now, const Containers& old) {
  for (int i = 0; i < now.size(); ++i) put_back(*now[i].mutable_resources(), old[i].resources());
}

template <class Containers>
bool same_names(const Containers& a, const Containers& b) {
  return std::ranges::equal(a, b, {}, [](const Container& c) { return c.name(); }, [](const Container& c) { return c.name(); });
}

// What is asked for can be changed, but not left open again.
template <class Containers>
void check_removed(const Containers& now, const Containers& old, const api::Path& path, api::Errors& errors) {
  const auto removed = [](const Amounts& after, const Amounts& before) {
    return std::ranges::any_of(kResizable, [&](const char* name) { return before.contains(name) && !after.contains(name); });
  };
  for (int i = 0; i < now.size(); ++i) {
    const api::Path at = path.index(static_cast<std::size_t>(i)).member("resources");
    if (removed(now[i].resources().limits(), old[i].resources().limits()))
      errors.forbidden(at.member("limits"), "resource limits cannot be removed");
    if (removed(now[i].resources().requests(), old[i].resources().requests()))
      errors.forbidden(at.member("requests"), "resource requests cannot be removed");
  }
}

// False: they are others, and not compared.
bool check_same_containers(const core::v1::PodSpec& now, const core::v1::PodSpec& old, api::Errors& errors) {
  const bool main = same_names(now.containers(), old.containers()),
             init = same_names(now.init_containers(), old.init_containers());
  if (!main) errors.forbidden(api::Path("spec.containers"), "containers may not be added or removed on resize");
  if (!init) errors.forbidden(api::Path("spec.initContainers"), "initContainers may not be added or removed on resize");
  return main && init;
}

void take_size(Pod& pod, const Pod& wanted, api::Errors& errors) {
  const core::v1::PodSpec stored = pod.spec();
  const std::string qos = pod.status().qos_class();
  const api::Path path("spec");
  *pod.mutable_spec() = wanted.spec();
  check_spec(pod, errors);
  if (qos_class(pod) != qos) {
    errors.invalid_text(path, wanted.status().qos_class(), "Pod QOS Class may not change as a result of resizing");
  }
  if (!check_same_containers(pod.spec(), stored, errors)) return;
  check_removed(pod.spec().containers(), stored.containers(), path.member("containers"), errors);
  core::v1::PodSpec rest = pod.spec();
  put_back_each(*rest.mutable_containers(), stored.containers());
  for (int i = 0; i < rest.init_containers_size(); ++i) {
    if (stored.init_containers(i).restart_policy() == "Always")
      put_back(*rest.mutable_init_containers(i)->mutable_resources(), stored.init_containers(i).resources());
  }
  if (rest.has_resources() && stored.has_resources()) put_back(*rest.mutable_resources(), stored.resources());
  if (!api::Value::equal(api::Value::of(rest), api::Value::of(stored)))
    errors.forbidden(path, "only cpu and memory resources are mutable");
}

MakePart with_part(const Call& call, TakePart take) {
  return [&call, take](const api::Object& stored, const api::Object& wanted) -> api::Object {
    auto pod = std::make_unique<Pod>(stored.as<Pod>());
    api::Errors errors;
    take(*pod, wanted.as<Pod>(), errors);
    if (!errors.empty()) throw api::invalid(call.served->qualified_kind, pod->metadata().name(), errors.list());
    return pod;
  };
}

TakePart part_of(const Call& call) { return call.info.subresource == "resize" ? &take_size : &take_ephemeral_containers; }

}  // namespace

Task<HttpResponse> update_pod_part(Core& core, Call& call) { return update_part(core, call, with_part(call, part_of(call))); }
Task<HttpResponse> patch_pod_part(Core& core, Call& call) { return patch_part(core, call, with_part(call, part_of(call))); }

}  // namespace ph::apiserver
