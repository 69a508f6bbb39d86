// Upstream: apiserver/pkg/admission/plugin/webhook/mutating/dispatcher.go, …/validating/dispatcher.go
#include "apiserver/admission/webhook/annotations.h"

#include <fmt/format.h>

#include "api/json_text.h"
#include "apiserver/audit/auditor.h"

namespace ph::apiserver::webhook {
namespace {

constexpr std::string_view kMutation = "mutation.webhook.admission.k8s.io/", kPatch = "patch.webhook.admission.k8s.io/",
                           kValidating = "validating.webhook.admission.k8s.io/";

std::string place(const AdmissionRequest& request, std::size_t index) {
  return fmt::format("round_{}_index_{}", request.again ? 1 : 0, index);
}

// The beginning of an object that says who it was.
std::string who(const Hook& hook) {
  std::string out = R"({"configuration":)";
  api::append_json_string(std::string_view(hook.id).substr(0, hook.id.find('/')), out);
  out += R"(,"webhook":)";
  api::append_json_string(hook.name, out);
  return out;
}

}  // namespace

void annotate(const AdmissionRequest& request, const Hook& hook, const std::map<std::string, std::string>& annotations) {
  if (request.trail == nullptr) return;
  for (const auto& [key, value] : annotations) request.trail->annotate(hook.name + "/" + key, value);
}

void annotate_mutation(const AdmissionRequest& request, const Hook& hook, std::size_t index, bool changed) {
  if (request.trail == nullptr) return;
  request.trail->annotate(std::string(kMutation) + place(request, index),
                          who(hook) + (changed ? R"(,"mutated":true})" : R"(,"mutated":false})"));
}

void annotate_patch(const AdmissionRequest& request, const Hook& hook, std::size_t index, const std::string& patch) {
  if (request.trail == nullptr || !request.trail->wants(audit::Level::Request)) return;
  std::string value = who(hook) + R"(,"patch":)";
  api::append_compact_json(patch, false, value);
  request.trail->annotate(std::string(kPatch) + place(request, index), value + R"(,"patchType":"JSONPatch"})");
}

void annotate_failure(const AdmissionRequest& request, const Hook& hook, std::size_t index, bool mutating) {
  if (request.trail == nullptr) return;
  request.trail->annotate(fmt::format("failed-open.{}{}", mutating ? kMutation : kValidating, place(request, index)), hook.name);
}

}  // namespace ph::apiserver::webhook
