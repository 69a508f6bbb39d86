// The texts are specs as JSON.
#include "api/flows.h"

#include <algorithm>
#include <span>

#include "api/codec.h"

namespace ph::api {

using flowcontrol::v1::FlowSchema, flowcontrol::v1::PriorityLevelConfiguration;

namespace {

struct Text {
  const char *name, *spec;
};

constexpr Text kMandatorySchemas[] = {
    {"exempt", R"({"priorityLevelConfiguration":{"name":"exempt"},"matchingPrecedence":1,"rules":[{"subjects":[{"kind":"Group",)"
               R"("group":{"name":"system:masters"}}],"resourceRules":[{"verbs":["*"],"apiGroups":["*"],"resources":["*"],)"
               R"("clusterScope":true,"namespaces":["*"]}],"nonResourceRules":[{"verbs":["*"],"nonResourceURLs":["*"]}]}]})"},
    {"catch-all",
     R"({"priorityLevelConfiguration":{"name":"catch-all"},"matchingPrecedence":10000,)"
     R"("distinguisherMethod":{"type":"ByUser"},"rules":[{"subjects":[{"kind":"Group",)"
     R"("group":{"name":"system:unauthenticated"}},{"kind":"Group","group":{"name":"system:authenticated"}}],)"
     R"("resourceRules":[{"verbs":["*"],"apiGroups":["*"],"resources":["*"],"clusterScope":true,"namespaces":["*"]}],)"
     R"("nonResourceRules":[{"verbs":["*"],"nonResourceURLs":["*"]}]}]})"},
};

constexpr Text kSuggestedSchemas[] = {
    {"probes", R"({"priorityLevelConfiguration":{"name":"exempt"},"matchingPrecedence":2,"rules":[{"subjects":[{"kind":"Group",)"
               R"("group":{"name":"system:unauthenticated"}},{"kind":"Group","group":{"name":"system:authenticated"}}],)"
               R"("nonResourceRules":[{"verbs":["get"],"nonResourceURLs":["/healthz","/readyz","/livez"]}]}]})"},
    {"system-leader-election",
     R"({"priorityLevelConfiguration":{"name":"leader-election"},"matchingPrecedence":100,)"
     R"("distinguisherMethod":{"type":"ByUser"},"rules":[{"subjects":[{"kind":"User",)"
     R"("user":{"name":"system:kube-controller-manager"}},{"kind":"User","user":{"name":"system:kube-scheduler"}},)"
     R"({"kind":"ServiceAccount","serviceAccount":{"namespace":"kube-system","name":"*"}}],)"
     R"("resourceRules":[{"verbs":["get","create","update"],"apiGroups":["coordination.k8s.io"],"resources":["leases"],)"
     R"("namespaces":["*"]}]}]})"},
    {"system-node-high",
     R"({"priorityLevelConfiguration":{"name":"node-high"},"matchingPrecedence":400,)"
     R"("distinguisherMethod":{"type":"ByUser"},"rules":[{"subjects":[{"kind":"Group","group":{"name":"system:nodes"}}],)"
     R"("resourceRules":[{"verbs":["*"],"apiGroups":[""],"resources":["nodes","nodes/status"],"clusterScope":true,)"
     R"("namespaces":["*"]},{"verbs":["*"],"apiGroups":["coordination.k8s.io"],"resources":["leases"],)"
     R"("namespaces":["*"]}]}]})"},
    {"system-nodes",
     R"({"priorityLevelConfiguration":{"name":"system"},"matchingPrecedence":500,)"
     R"("distinguisherMethod":{"type":"ByUser"},"rules":[{"subjects":[{"kind":"Group","group":{"name":"system:nodes"}}],)"
     R"("resourceRules":[{"verbs":["*"],"apiGroups":["*"],"resources":["*"],"clusterScope":true,"namespaces":["*"]}],)"
     R"("nonResourceRules":[{"verbs":["*"],"nonResourceURLs":["*"]}]}]})"},
    {"kube-controller-manager",
     R"({"priorityLevelConfiguration":{"name":"workload-high"},"matchingPrecedence":800,)"
     R"("distinguisherMethod":{"type":"ByNamespace"},"rules":[{"subjects":[{"kind":"User",)"
     R"("user":{"name":"system:kube-controller-manager"}}],"resourceRules":[{"verbs":["*"],"apiGroups":["*"],)"
     R"("resources":["*"],"clusterScope":true,"namespaces":["*"]}],"nonResourceRules":[{"verbs":["*"],)"
     R"("nonResourceURLs":["*"]}]}]})"},
    {"kube-scheduler",
     R"({"priorityLevelConfiguration":{"name":"workload-high"},"matchingPrecedence":800,)"
     R"("distinguisherMethod":{"type":"ByNamespace"},"rules":[{"subjects":[{"kind":"User",)"
     R"("user":{"name":"system:kube-scheduler"}}],"resourceRules":[{"verbs":["*"],"apiGroups":["*"],"resources":["*"],)"
     R"("clusterScope":true,"namespaces":["*"]}],"nonResourceRules":[{"verbs":["*"],"nonResourceURLs":["*"]}]}]})"},
    {"kube-system-service-accounts",
     R"({"priorityLevelConfiguration":{"name":"workload-high"},"matchingPrecedence":900,)"
     R"("distinguisherMethod":{"type":"ByNamespace"},"rules":[{"subjects":[{"kind":"ServiceAccount",)"
     R"("serviceAccount":{"namespace":"kube-system","name":"*"}}],"resourceRules":[{"verbs":["*"],"apiGroups":["*"],)"
     R"("resources":["*"],"clusterScope":true,"namespaces":["*"]}],"nonResourceRules":[{"verbs":["*"],)"
     R"("nonResourceURLs":["*"]}]}]})"},
    {"service-accounts",
     R"({"priorityLevelConfiguration":{"name":"workload-low"},"matchingPrecedence":9000,)"
     R"("distinguisherMethod":{"type":"ByUser"},"rules":[{"subjects":[{"kind":"Group",)"
     R"("group":{"name":"system:serviceaccounts"}}],"resourceRules":[{"verbs":["*"],"apiGroups":["*"],"resources":["*"],)"
     R"("clusterScope":true,"namespaces":["*"]}],"nonResourceRules":[{"verbs":["*"],"nonResourceURLs":["*"]}]}]})"},
    {"global-default",
     R"({"priorityLevelConfiguration":{"name":"global-default"},"matchingPrecedence":9900,)"
     R"("distinguisherMethod":{"type":"ByUser"},"rules":[{"subjects":[{"kind":"Group",)"
     R"("group":{"name":"system:unauthenticated"}},{"kind":"Group","group":{"name":"system:authenticated"}}],)"
     R"("resourceRules":[{"verbs":["*"],"apiGroups":["*"],"resources":["*"],"clusterScope":true,"namespaces":["*"]}],)"
     R"("nonResourceRules":[{"verbs":["*"],"nonResourceURLs":["*"]}]}]})"},
};

constexpr Text kMandatoryLevels[] = {
    {"catch-all", R"({"type":"Limited","limited":{"nominalConcurrencyShares":5,"limitResponse":{"type":"Reject"},)"
                  R"("lendablePercent":0}})"},
    {"exempt", R"({"type":"Exempt","exempt":{"nominalConcurrencyShares":0,"lendablePercent":0}})"},
};

constexpr Text kSuggestedLevels[] = {
    {"global-default", R"({"type":"Limited","limited":{"nominalConcurrencyShares":20,"limitResponse":{"type":"Queue",)"
                       R"("queuing":{"queues":128,"handSize":6,"queueLengthLimit":50}},"lendablePercent":50}})"},
    {"leader-election", R"({"type":"Limited","limited":{"nominalConcurrencyShares":10,"limitResponse":{"type":"Queue",)"
                        R"("queuing":{"queues":16,"handSize":4,"queueLengthLimit":50}},"lendablePercent":0}})"},
    {"node-high", R"({"type":"Limited","limited":{"nominalConcurrencyShares":40,"limitResponse":{"type":"Queue",)"
                  R"("queuing":{"queues":64,"handSize":6,"queueLengthLimit":50}},"lendablePercent":25}})"},
    {"system", R"({"type":"Limited","limited":{"nominalConcurrencyShares":30,"limitResponse":{"type":"Queue",)"
               R"("queuing":{"queues":64,"handSize":6,"queueLengthLimit":50}},"lendablePercent":33}})"},
    {"workload-high", R"({"type":"Limited","limited":{"nominalConcurrencyShares":40,"limitResponse":{"type":"Queue",)"
                      R"("queuing":{"queues":128,"handSize":6,"queueLengthLimit":50}},"lendablePercent":50}})"},
    {"workload-low", R"({"type":"Limited","limited":{"nominalConcurrencyShares":100,"limitResponse":{"type":"Queue",)"
                     R"("queuing":{"queues":128,"handSize":6,"queueLengthLimit":50}},"lendablePercent":90}})"},
};

template <class T>
std::vector<T> parsed(std::span<const Text> texts) {
  std::vector<T> out(texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    out[i].mutable_metadata()->set_name(texts[i].name);
    (*out[i].mutable_metadata()->mutable_annotations())[kAutoUpdateSpec] = "true";
    decode_json(texts[i].spec, *out[i].mutable_spec(), {.unknown = Unknown::Strict});
  }
  return out;
}

template <class T>
const T* named(const std::vector<T>& objects, std::string_view name) {
  const auto found = std::ranges::find_if(objects, [&](const T& object) { return object.metadata().name() == name; });
  return found == objects.end() ? nullptr : &*found;
}

}  // namespace

const std::vector<FlowSchema>& mandatory_flow_schemas() {
  static const auto out = parsed<FlowSchema>(kMandatorySchemas);
  return out;
}

const std::vector<FlowSchema>& suggested_flow_schemas() {
  static const auto out = parsed<FlowSchema>(kSuggestedSchemas);
  return out;
}

const std::vector<PriorityLevelConfiguration>& mandatory_priority_levels() {
  static const auto out = parsed<PriorityLevelConfiguration>(kMandatoryLevels);
  return out;
}

const std::vector<PriorityLevelConfiguration>& suggested_priority_levels() {
  static const auto out = parsed<PriorityLevelConfiguration>(kSuggestedLevels);
  return out;
}

const FlowSchema* mandatory_flow_schema(std::string_view name) { return named(mandatory_flow_schemas(), name); }
const PriorityLevelConfiguration* mandatory_priority_level(std::string_view name) {
  return named(mandatory_priority_levels(), name);
}

}  // namespace ph::api
