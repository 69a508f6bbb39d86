// ExtendedResourceToleration: a pod that asks for an extended resource tolerates the taint of that name, by which nodes that have it
// keep others off. Upstream: plugin/pkg/admission/extendedresourcetoleration
#include <algorithm>
#include <set>

#include "api/kinds.h"
#include "api/sorted.h"
#include "api/validation/validation.h"
#include "apiserver/admission/admission.h"

namespace ph::apiserver::admission {
namespace {

using core::v1::Pod, core::v1::Toleration;

template <class Containers>
void collect(const Containers& containers, std::set<std::string>& out) {
  for (const auto& container : containers) {
    for (const auto& [name, amount] : in_any_order(container.resources().requests())) {
      if (api::is_extended_resource(name)) out.insert(name);
    }
  }
}

// A toleration of the same taint, whatever its seconds, is this one.
void add(Pod& pod, const std::string& key) {
  Toleration wanted;
  wanted.set_key(key);
  wanted.set_operator_("Exists");
  wanted.set_effect("NoSchedule");
  auto& all = *pod.mutable_spec()->mutable_tolerations();
  const auto same = std::ranges::find_if(all, [&](const Toleration& each) {
    return each.key() == key && each.operator_() == "Exists" && each.effect() == "NoSchedule" && each.value().empty();
  });
  (same == all.end() ? *all.Add() : *same) = std::move(wanted);
}

class ExtendedResourceToleration final : public AdmissionPlugin {
 public:
  std::string_view name() const override { return "ExtendedResourceToleration"; }

  void admit(AdmissionRequest& request) override {
    if (!is_for(request, "", "pods") || !request.object) return;
    Pod& pod = request.object->as<Pod>();
    std::set<std::string> wanted;
    collect(pod.spec().containers(), wanted);
    collect(pod.spec().init_containers(), wanted);
    for (const std::string& name : wanted) add(pod, name);
  }
};

}  // namespace

std::unique_ptr<AdmissionPlugin> extended_resource_toleration(const AdmissionWorld&) {
  return std::make_unique<ExtendedResourceToleration>();
}

}  // namespace ph::apiserver::admission
