// PodTolerationRestriction: the pods of a namespace get the tolerations that its annotation, or the configuration, has for them, and
// may have no others than those that are listed. Upstream: plugin/pkg/admission/podtolerationrestriction
#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/errors.h"
#include "api/kinds.h"
#include "apiserver/admission/admission.h"
#include "apiserver/admission/decoded.h"
#include "apiserver/admission/tolerations.h"
#include "apiserver/registry/qos.h"

namespace ph::apiserver::admission {
namespace {

using core::v1::Namespace, core::v1::Pod, core::v1::Toleration;

constexpr const char *kDefaults = "scheduler.alpha.kubernetes.io/defaultTolerations",
                     *kWhitelist = "scheduler.alpha.kubernetes.io/tolerationsWhitelist";

Tolerations tolerations_of(const nlohmann::json& list) {
  if (!list.is_array()) throw api::DecodeError("is not a list of tolerations");
  Tolerations out;
  for (const nlohmann::json& each : list) api::from_json(each, *out.Add());
  return out;
}

// Nothing: the namespace says nothing. An empty annotation is an empty list.
std::optional<Tolerations> annotated(const Namespace& space, const char* key) {
  const auto found = space.metadata().annotations().find(key);
  if (found == space.metadata().annotations().end()) return std::nullopt;
  if (found->second.empty()) return Tolerations();
  try {
    return tolerations_of(nlohmann::json::parse(found->second));
  } catch (const nlohmann::json::exception& error) {
    throw api::unforeseen(fmt::format("{}: {}", key, error.what()));
  } catch (const api::DecodeError& error) {
    throw api::unforeseen(fmt::format("{}: {}", key, error.what()));
  }
}

struct Configured {
  Tolerations defaults, whitelist;
};

class PodTolerationRestriction final : public AdmissionPlugin {
 public:
  PodTolerationRestriction(ObjectReader& reader, Configured configured)
      : namespaces_(reader), configured_(std::move(configured)) {}
  std::string_view name() const override { return "PodTolerationRestriction"; }

  void admit(AdmissionRequest& request) override {
    if (!concerns(request)) return;
    Pod& pod = request.object->as<Pod>();
    Tolerations more;
    if (request.operation == "CREATE") {
      more = annotated(*namespace_of(request), kDefaults).value_or(configured_.defaults);
    }
    const std::string quality = pod.status().qos_class().empty() ? qos_class(pod) : pod.status().qos_class();
    if (quality != "BestEffort") {
      Toleration& pressure = *more.Add();
      pressure.set_key("node.kubernetes.io/memory-pressure");
      pressure.set_operator_("Exists");
      pressure.set_effect("NoSchedule");
    }
    if (!more.empty()) merge(*pod.mutable_spec()->mutable_tolerations(), more);
    demand_listed(request);
  }

  void validate(const AdmissionRequest& request) override {
    if (concerns(request)) demand_listed(request);
  }

 private:
  static bool concerns(const AdmissionRequest& request) {
    return is_for(request, "", "pods") && (request.operation == "CREATE" || request.operation == "UPDATE");
  }

  std::shared_ptr<const Namespace> namespace_of(const AdmissionRequest& request) {
    auto found = namespaces_.find({{}, request.key.namespace_name});
    if (!found) throw api::not_found("namespaces", request.key.namespace_name);
    return found;
  }

  void demand_listed(const AdmissionRequest& request) {
    const auto& own = request.object->as<Pod>().spec().tolerations();
    if (own.empty()) return;
    const auto of_namespace = annotated(*namespace_of(request), kWhitelist);
    const Tolerations& list = of_namespace ? *of_namespace : configured_.whitelist;
    const auto listed = [&](const Toleration& each) {
      return std::ranges::any_of(list, [&](const Toleration& wide) { return covers(wide, each); });
    };
    if (list.empty() || std::ranges::all_of(own, listed)) return;
    throw api::unforeseen(
        fmt::format("pod tolerations (possibly merged with namespace default tolerations) conflict with its {} whitelist",
                    of_namespace ? "namespace" : "cluster"));
  }

  Decoded<Namespace> namespaces_;
  const Configured configured_;
};

Configured read_configuration(const AdmissionWorld& world) {
  Configured out;
  const nlohmann::json document = configuration_of(world.configurations, "PodTolerationRestriction");
  if (document.empty()) return out;
  ConfigurationMembers members(document, "PodTolerationRestriction");
  members.must_be("podtolerationrestriction.admission.k8s.io/v1alpha1", "Configuration");
  const auto take = [&](const char* name, Tolerations& into) {
    const nlohmann::json* list = members.find(name);
    try {
      if (list != nullptr) into = tolerations_of(*list);
    } catch (const api::DecodeError& error) {
      members.fail(fmt::format("{}: {}", name, error.what()));
    }
  };
  take("default", out.defaults);
  take("whitelist", out.whitelist);
  members.end();
  return out;
}

}  // namespace

std::unique_ptr<AdmissionPlugin> pod_toleration_restriction(const AdmissionWorld& world) {
  return std::make_unique<PodTolerationRestriction>(world.reader, read_configuration(world));
}

}  // namespace ph::apiserver::admission
