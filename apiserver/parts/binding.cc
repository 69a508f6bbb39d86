// POST of pods/x/binding (and of bindings): a pod gets its node.
#include <algorithm>

#include <fmt/format.h>

#include "api/error_text.h"
#include "api/errors.h"
#include "api/kinds.h"
#include "api/object.h"
#include "api/rules.h"
#include "api/sorted.h"
#include "api/times.h"
#include "apiserver/parts/parts.h"
#include "apiserver/rest/audited.h"
#include "apiserver/rest/body.h"
#include "apiserver/rest/options.h"
#include "apiserver/rest/part_admission.h"
#include "apiserver/rest/respond.h"
#include "apiserver/rest/validate.h"
#include "apiserver/rest/verbs.h"

namespace ph::apiserver {
namespace {

using core::v1::Binding;
using core::v1::Pod;

void check_target(const Binding& binding) {
  api::Errors errors;
  const std::string& kind = binding.target().kind();
  if (!kind.empty() && kind != "Node") errors.not_supported(api::Path("target.kind"), kind, {"Node", "<empty>"});
  if (binding.target().name().empty()) errors.required(api::Path("target.name"), "");
  // Upstream answers with what it found, and does not say that it was the client's fault.
  if (!errors.empty()) throw api::unforeseen(api::text_of(errors.list()));
}

// Why this pod cannot be bound any more; empty when it can.
std::string refusal(const Pod& pod, const Binding& binding) {
  const std::string& uid = binding.metadata().uid();
  if (!uid.empty() && uid != pod.metadata().uid()) {
    return fmt::format("Precondition failed: UID in precondition: {}, UID in object meta: {}", uid, pod.metadata().uid());
  }
  if (pod.metadata().has_deletion_timestamp()) {
    return fmt::format("pod {} is being deleted, cannot be assigned to a host", pod.metadata().name());
  }
  if (!pod.spec().node_name().empty()) {
    return fmt::format("pod {} is already assigned to node \"{}\"", pod.metadata().name(), pod.spec().node_name());
  }
  if (pod.spec().scheduling_gates_size() > 0) {
    return fmt::format("pod {} has non-empty .spec.schedulingGates", pod.metadata().name());
  }
  return {};
}

void mark_scheduled(Pod& pod, Time now) {
  auto& conditions = *pod.mutable_status()->mutable_conditions();
  auto found = std::ranges::find(conditions, "PodScheduled", [](const auto& condition) { return condition.type(); });
  auto& condition = found == conditions.end() ? *conditions.Add() : *found;
  if (condition.status() == "True") return;
  condition.set_type("PodScheduled");
  condition.set_status("True");
  condition.clear_reason();
  condition.clear_message();
  condition.clear_observed_generation();
  api::set_time(condition.mutable_last_transition_time(), now);
}

api::Object bound(const api::Object& stored, const Binding& binding, Time now) {
  const Pod& before = stored.as<Pod>();
  if (const std::string why = refusal(before, binding); !why.empty()) {
    throw api::conflict("pods/binding", before.metadata().name(), why);
  }
  auto pod = std::make_unique<Pod>(before);
  pod->mutable_spec()->set_node_name(binding.target().name());
  for (const auto* annotation : sorted(binding.metadata().annotations())) {
    (*pod->mutable_metadata()->mutable_annotations())[annotation->first] = annotation->second;
  }
  for (const auto* label : sorted(binding.metadata().labels())) {
    (*pod->mutable_metadata()->mutable_labels())[label->first] = label->second;
  }
  mark_scheduled(*pod, now);
  // It is where it was expected, or elsewhere for good.
  pod->mutable_status()->clear_nominated_node_name();
  return pod;
}

}  // namespace

Task<HttpResponse> bind_pod(Core& core, Call& call) {
  without_tables(call);
  const WriteOptions options = write_options(call.request, call.query, "CreateOptions");
  api::Object body = read_body(call.request, api::schema_of<Binding>(), options.unknown, call.warnings);
  audit_object(call, body);
  match_namespace(call, body);
  co_await admit_part(core, call, body, options.dry_run);
  const Binding& binding = body.as<Binding>();
  ObjectKey key{binding.metadata().namespace_(), binding.metadata().name()};
  if (call.info.resource == "pods") {
    if (key.name != call.info.name) throw api::bad_request("name in URL does not match name in Binding object");
    key = call.key();
  }
  check_target(binding);
  // Admission judges the pod as an update of it would; managed fields are not kept for what the scheduler decides.
  WriteRequest request = write_request(call, {}, options.dry_run);
  request.subresource = "binding";
  Served& pods = core.of(api::schema_of<Pod>());
  const std::string& wanted = binding.metadata().resource_version();
  const Make make = [&](const api::Object& stored) {
    const std::string& revision = stored.metadata().resource_version();
    if (!wanted.empty() && wanted != revision)
      refuse_precondition(pods, key, options.dry_run, "ResourceVersion", wanted, revision);
    return bound(stored, binding, core.now());
  };
  co_await update_object(core, pods, key, UpdateKind::Part, make, std::move(request));
  meta::v1::Status status = success();
  status.set_code(201);
  co_return answer_message(call.form, 201, status);
}

}  // namespace ph::apiserver
