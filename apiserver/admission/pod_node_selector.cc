// PodNodeSelector: the pods of a namespace go where its annotation, or the cluster's default, says; and ask for nothing but what its
// whitelist has. Upstream: plugin/pkg/admission/podnodeselector. Reference: "Admission Control in Kubernetes", PodNodeSelector.
#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/errors.h"
#include "api/kinds.h"
#include "api/selector.h"
#include "api/sorted.h"
#include "apiserver/admission/admission.h"
#include "apiserver/admission/decoded.h"

namespace ph::apiserver::admission {
namespace {

using core::v1::Namespace, core::v1::Pod;
using Selection = std::map<std::string, std::string, std::less<>>;

constexpr const char* kAnnotation = "scheduler.alpha.kubernetes.io/node-selector";
constexpr const char* kDefault = "clusterDefaultNodeSelector";

// The labels that a pod's nodes must have, as a selector says it that is nothing but equalities: "a=b,c=d". Throws DecodeError.
Selection labels_of(std::string_view text) {
  Selection out;
  for (const api::Requirement& requirement : api::LabelSelector::parse(text).requirements()) {
    if (requirement.op != api::Operator::Equals) throw api::DecodeError(fmt::format("invalid selector: {}", text));
    out[requirement.key] = requirement.values.empty() ? std::string() : requirement.values.front();
  }
  return out;
}

class PodNodeSelector final : public AdmissionPlugin {
 public:
  PodNodeSelector(ObjectReader& reader, std::map<std::string, Selection, std::less<>> configured)
      : namespaces_(reader), configured_(std::move(configured)) {}
  std::string_view name() const override { return "PodNodeSelector"; }

  void admit(AdmissionRequest& request) override {
    if (!concerns(request)) return;
    auto& selector = *request.object->as<Pod>().mutable_spec()->mutable_node_selector();
    const Selection wanted = wanted_in(request.key.namespace_name);
    demand_no_conflict(request, wanted);
    for (const auto& [key, value] : wanted) selector[key] = value;
    demand_listed(request);
  }

  void validate(const AdmissionRequest& request) override {
    if (!concerns(request)) return;
    demand_no_conflict(request, wanted_in(request.key.namespace_name));
    demand_listed(request);
  }

 private:
  static bool concerns(const AdmissionRequest& request) { return is_for(request, "", "pods") && request.operation == "CREATE"; }

  Selection configured(std::string_view name) const {
    const auto found = configured_.find(name);
    return found == configured_.end() ? Selection() : found->second;
  }

  Selection wanted_in(const std::string& space) {
    const auto found = namespaces_.find({{}, space});
    if (!found) throw api::not_found("namespaces", space);
    const auto annotation = found->metadata().annotations().find(kAnnotation);
    if (annotation == found->metadata().annotations().end()) return configured(kDefault);
    try {
      return labels_of(annotation->second);
    } catch (const api::DecodeError& error) {
      throw api::unforeseen(error.what());
    }
  }

  static void demand_no_conflict(const AdmissionRequest& request, const Selection& wanted) {
    const auto& selector = request.object->as<Pod>().spec().node_selector();
    const bool conflict = std::ranges::any_of(wanted, [&](const auto& label) {
      const auto own = selector.find(label.first);
      return own != selector.end() && own->second != label.second;
    });
    if (conflict) throw refuse(request, "pod node label selector conflicts with its namespace node label selector");
  }

  // An empty whitelist has everything.
  void demand_listed(const AdmissionRequest& request) const {
    const Selection list = configured(request.key.namespace_name);
    if (list.empty()) return;
    for (const auto& [key, value] : in_any_order(request.object->as<Pod>().spec().node_selector())) {
      const auto listed = list.find(key);
      if (listed == list.end() || listed->second != value) {
        throw refuse(request, "pod node label selector labels conflict with its namespace whitelist");
      }
    }
  }

  Decoded<Namespace> namespaces_;
  const std::map<std::string, Selection, std::less<>> configured_;  // by namespace, or kDefault
};

}  // namespace

std::unique_ptr<AdmissionPlugin> pod_node_selector(const AdmissionWorld& world) {
  std::map<std::string, Selection, std::less<>> configured;
  const nlohmann::json document = configuration_of(world.configurations, "PodNodeSelector");
  ConfigurationMembers members(document, "PodNodeSelector");
  if (const nlohmann::json* selectors = members.find("podNodeSelectorPluginConfig")) {
    ConfigurationMembers by_name(*selectors, "PodNodeSelector: podNodeSelectorPluginConfig");
    for (const auto& [name, value] : selectors->items()) {
      try {
        configured[name] = labels_of(by_name.text(name));
      } catch (const api::DecodeError& error) {
        by_name.fail(fmt::format("{}: {}", name, error.what()));
      }
    }
  }
  members.end();
  return std::make_unique<PodNodeSelector>(world.reader, std::move(configured));
}

}  // namespace ph::apiserver::admission
