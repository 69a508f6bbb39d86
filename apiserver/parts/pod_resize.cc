#include "apiserver/parts/pod_resize.h"

#include <algorithm>

#include <fmt/format.h>

#include "api/sorted.h"
#include "api/value.h"
#include "apiserver/registry/qos.h"

namespace ph::apiserver {
namespace {

using core::v1::Container, core::v1::Pod, core::v1::PodSpec, core::v1::ResourceRequirements;
using Containers = google::protobuf::RepeatedPtrField<Container>;
using QuantityMap = google::protobuf::Map<std::string, meta::v1::Quantity>;

bool same(const google::protobuf::Message& a, const google::protobuf::Message& b) {
  return api::Value::equal(api::Value::of(a), api::Value::of(b));
}

bool same_names(const Containers& a, const Containers& b) {
  return std::ranges::equal(a, b, [](const Container& x, const Container& y) { return x.name() == y.name(); });
}

void take_resources(Containers& to, const Containers& from) {
  for (int i = 0; i < to.size(); ++i) {
    *to[i].mutable_resources() = from[i].resources();
    *to[i].mutable_resize_policy() = from[i].resize_policy();
  }
}

// A running container whose status tells of no resources is one of a node that cannot resize.
bool node_can_resize(const Pod& pod) {
  const auto& statuses = pod.status().container_statuses();
  const auto running = std::ranges::find_if(statuses, [](const auto& status) { return status.state().has_running(); });
  return running == statuses.end() || running->has_resources();
}

// -- Names that go

bool loses(const QuantityMap& now, const QuantityMap& old) {
  return std::ranges::any_of(in_any_order(old), [&](const auto& entry) { return !now.contains(entry.first); });
}

void check_nothing_lost(const ResourceRequirements& now, const ResourceRequirements& old, const api::Path& path,
                        std::string_view what, api::Errors& errors) {
  if (loses(now.requests(), old.requests()))
    errors.forbidden(path.member("requests"), fmt::format("{} requests cannot be removed", what));
  if (loses(now.limits(), old.limits()))
    errors.forbidden(path.member("limits"), fmt::format("{} limits cannot be removed", what));
}

// -- Amounts of others than cpu and memory

QuantityMap put_back(const QuantityMap& now, const QuantityMap& old) {
  QuantityMap out = now;
  for (const char* name : {"cpu", "memory"}) {
    out.erase(name);
    if (const auto before = old.find(name); before != old.end()) out[name] = before->second;
  }
  return out;
}

void put_back(ResourceRequirements& now, const ResourceRequirements& old) {
  *now.mutable_requests() = put_back(now.requests(), old.requests());
  *now.mutable_limits() = put_back(now.limits(), old.limits());
}

bool is_sidecar(const Container& container) { return container.restart_policy() == "Always"; }

bool restarts(const Container& container) {
  return std::ranges::any_of(container.resize_policy(),
                             [](const auto& each) { return each.restart_policy() == "RestartContainer"; });
}

void check_init_container(Container& now, const Container& old, const api::Path& path, api::Errors& errors) {
  const bool changed = !same(now, old);
  put_back(*now.mutable_resources(), old.resources());
  if (!same(now, old)) errors.forbidden(path, "only cpu and memory resources for init or sidecar containers are mutable");
  if (changed && !is_sidecar(now) && restarts(now)) {
    errors.forbidden(path, "non-sidecar init containers with a resize policy of RestartContainer cannot be resized");
  }
}

bool names_any(const ResourceRequirements& resources) { return resources.requests_size() + resources.limits_size() > 0; }

// Of the pod as a whole. `now`'s amounts are put back.
void check_whole(PodSpec& now, const PodSpec& old, const api::Path& path, api::Errors& errors) {
  if (!names_any(now.resources()) && !names_any(old.resources())) return;
  const api::Path at = path.member("resources");
  if (old.has_resources() && !now.has_resources()) return errors.forbidden(at, "pod-level resources cannot be removed");
  check_nothing_lost(now.resources(), old.resources(), at, "pod-level resource", errors);
  put_back(*now.mutable_resources(), old.resources());
  if (!same(now.resources(), old.resources())) {
    errors.forbidden(path, "only cpu and memory resources are mutable at pod-level");
  } else if (!old.has_resources()) {
    now.clear_resources();
  }
}

bool check_order(const Containers& now, const Containers& old, const api::Path& path, std::string_view what,
                 api::Errors& errors) {
  if (now.size() != old.size()) {
    errors.forbidden(path, fmt::format("{} may not be added or removed on resize", what));
    return false;
  }
  bool good = true;
  for (int i = 0; i < now.size(); ++i) {
    if (now[i].name() == old[i].name()) continue;
    errors.forbidden(path.index(static_cast<std::size_t>(i)).member("name"),
                     fmt::format("{} may not be renamed or reordered on resize", what));
    good = false;
  }
  return good;
}

template <class Check>
void each(const Containers& now, const Containers& old, const api::Path& path, Check check) {
  for (int i = 0; i < now.size(); ++i) check(now[i], old[i], path.index(static_cast<std::size_t>(i)));
}

}  // namespace

Pod resized(const Pod& stored, const Pod& wanted) {
  const PodSpec& to = wanted.spec();
  Pod out = stored;
  const bool same_number = to.containers_size() == stored.spec().containers_size() &&
                           to.init_containers_size() == stored.spec().init_containers_size();
  if (!same_number) {
    *out.mutable_spec() = to;
    *out.mutable_status() = wanted.status();
    return out;
  }
  PodSpec& spec = *out.mutable_spec();
  if (same_names(spec.containers(), to.containers())) take_resources(*spec.mutable_containers(), to.containers());
  else *spec.mutable_containers() = to.containers();
  if (same_names(spec.init_containers(), to.init_containers()))
    take_resources(*spec.mutable_init_containers(), to.init_containers());
  else *spec.mutable_init_containers() = to.init_containers();
  if (to.has_resources()) *spec.mutable_resources() = to.resources();
  else spec.clear_resources();
  return out;
}

void check_resize(const Pod& now, const Pod& old, api::Errors& errors) {
  if (old.metadata().annotations().contains("kubernetes.io/config.mirror")) {
    return errors.forbidden(api::Path(""), "static pods cannot be resized");
  }
  if (old.spec().os().name() == "windows") return errors.forbidden(api::Path(""), "windows pods cannot be resized");
  const api::Path path("spec"), of_containers = path.member("containers"), of_init_containers = path.member("initContainers");
  const std::string class_before = old.status().qos_class().empty() ? qos_class(old) : old.status().qos_class();
  if (qos_class(now) != class_before) {
    errors.invalid_text(path, now.status().qos_class(), "Pod QOS Class may not change as a result of resizing");
  }
  if (!node_can_resize(old)) errors.forbidden(path, "Pod running on node without support for resize");
  PodSpec rest = now.spec();
  check_whole(rest, old.spec(), path, errors);
  const bool in_order = check_order(rest.containers(), old.spec().containers(), of_containers, "containers", errors);
  if (!check_order(rest.init_containers(), old.spec().init_containers(), of_init_containers, "initContainers", errors) ||
      !in_order) {
    return;
  }
  const auto nothing_lost = [&](const Container& a, const Container& b, const api::Path& at) {
    check_nothing_lost(a.resources(), b.resources(), at.member("resources"), "resource", errors);
  };
  each(rest.init_containers(), old.spec().init_containers(), of_init_containers, nothing_lost);
  each(rest.containers(), old.spec().containers(), of_containers, nothing_lost);
  for (int i = 0; i < rest.containers_size(); ++i) {
    Container& container = *rest.mutable_containers(i);
    put_back(*container.mutable_resources(), old.spec().containers(i).resources());
    if (!same(container, old.spec().containers(i))) errors.forbidden(path, "only cpu and memory resources are mutable");
  }
  for (int i = 0; i < rest.init_containers_size(); ++i) {
    check_init_container(*rest.mutable_init_containers(i), old.spec().init_containers(i),
                         of_init_containers.index(static_cast<std::size_t>(i)), errors);
  }
  if (errors.empty() && !same(rest, old.spec())) errors.forbidden(path, "only cpu and memory resources are mutable");
}

}  // namespace ph::apiserver
