// …/scale: the replicas of a workload, in one shape for all kinds that have them.
#include "api/errors.h"
#include "api/kinds.h"
#include "api/object.h"
#include "api/rules.h"
#include "api/selector.h"
#include "apiserver/rest/body.h"
#include "apiserver/rest/members.h"
#include "apiserver/rest/options.h"
#include "apiserver/rest/patching.h"
#include "apiserver/rest/respond.h"
#include "apiserver/rest/validate.h"
#include "apiserver/rest/verbs.h"

namespace ph::apiserver {
namespace {

using autoscaling::v1::Scale;

std::string selector_text(const core::v1::ReplicationController& controller) {
  return api::LabelSelector::from_map(controller.spec().selector()).text();
}
template <class T>
std::string selector_text(const T& workload) {
  return api::LabelSelector::from(workload.spec().selector()).text();
}

template <class T>
Scale scale_from(const T& workload) {
  Scale scale;
  const meta::v1::ObjectMeta& from = workload.metadata();
  meta::v1::ObjectMeta& to = *scale.mutable_metadata();
  to.set_name(from.name());
  to.set_namespace_(from.namespace_());
  to.set_uid(from.uid());
  to.set_resource_version(from.resource_version());
  *to.mutable_creation_timestamp() = from.creation_timestamp();
  scale.mutable_spec()->set_replicas(workload.spec().replicas());
  scale.mutable_status()->set_replicas(workload.status().replicas());
  scale.mutable_status()->set_selector(selector_text(workload));
  return scale;
}

// Calls `use` with the workload as what it is.
template <class M, class Use>
auto with_workload(M& object, Use use) {
  const auto* type = object.GetDescriptor();
  const auto as = [&]<class T>() -> auto& {
    if constexpr (std::is_const_v<M>) {
      return static_cast<const T&>(object);
    } else {
      return static_cast<T&>(object);
    }
  };
  if (type == apps::v1::Deployment::descriptor()) return use(as.template operator()<apps::v1::Deployment>());
  if (type == apps::v1::ReplicaSet::descriptor()) return use(as.template operator()<apps::v1::ReplicaSet>());
  if (type == apps::v1::StatefulSet::descriptor()) return use(as.template operator()<apps::v1::StatefulSet>());
  if (type == core::v1::ReplicationController::descriptor()) {
    return use(as.template operator()<core::v1::ReplicationController>());
  }
  throw api::page_not_found();
}

Scale scale_of(const Message& object) {
  return with_workload(object, [](const auto& workload) { return scale_from(workload); });
}

void set_replicas(Message& object, int replicas) {
  with_workload(object, [&](auto& workload) { workload.mutable_spec()->set_replicas(replicas); });
}

void check(const Scale& scale) {
  if (scale.spec().replicas() >= 0) return;
  api::Errors errors;
  errors.invalid(api::Path("spec.replicas"), std::to_string(scale.spec().replicas()), "must be greater than or equal to 0");
  throw api::invalid("Scale.autoscaling", scale.metadata().name(), errors.list());
}

// The workload with the replicas the scale asks for; what the scale pins is checked with the update.
std::unique_ptr<Message> rescaled(const Message& stored, const Scale& scale) {
  check(scale);
  std::unique_ptr<Message> object = clone(stored);
  set_replicas(*object, scale.spec().replicas());
  meta::v1::ObjectMeta& metadata = api::mutable_metadata(*object);
  metadata.set_resource_version(scale.metadata().resource_version());
  if (!scale.metadata().uid().empty()) metadata.set_uid(scale.metadata().uid());
  return object;
}

HttpResponse answer_scale(Call& call, const WriteResult& result) {
  const std::unique_ptr<Message> object = decode_entry(*call.served->resource, *result.entry);
  return answer_message(call.form, 200, scale_of(*object));
}

}  // namespace

Task<HttpResponse> get_scale(Core& core, Call& call) {
  const std::unique_ptr<Message> object = core.read(*call.served->resource, call.key());
  if (!object) throw api::not_found(call.served->qualified, call.info.name);
  co_return answer_message(call.form, 200, scale_of(*object));
}

Task<HttpResponse> update_scale(Core& core, Call& call) {
  const WriteOptions options = write_options(call.request, call.query, "UpdateOptions");
  const std::unique_ptr<Message> body = read_body(call.request, api::schema_of<Scale>(), options.unknown, call.warnings);
  match_name(call, *body);
  match_namespace(call, *body);
  const Scale& scale = static_cast<const Scale&>(*body);
  const Make make = [&](const Message& stored) {
    check_uid(*call.served, call.key(), scale.metadata().uid(), api::metadata(stored).uid());
    return rescaled(stored, scale);
  };
  const WriteResult result = co_await update_object(core, *call.served, call.key(), UpdateKind::Main, make,
                                                    write_request(call, options.manager, options.dry_run));
  co_return answer_scale(call, result);
}

Task<HttpResponse> patch_scale(Core& core, Call& call) {
  const PatchType type = patch_type(call.request);
  const WriteOptions options = write_options(call.request, call.query, "PatchOptions");
  const Make make = [&](const Message& stored) {
    call.warnings.clear();
    const auto scale = apply_patch(type, call.request.body, scale_of(stored), options.unknown, call.warnings);
    match_name(call, *scale);
    match_namespace(call, *scale);
    return rescaled(stored, static_cast<const Scale&>(*scale));
  };
  const WriteResult result = co_await update_object(core, *call.served, call.key(), UpdateKind::Main, make,
                                                    write_request(call, options.manager, options.dry_run));
  co_return answer_scale(call, result);
}

}  // namespace ph::apiserver
