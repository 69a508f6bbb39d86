#include <algorithm>

#include <fmt/format.h>

#include "api/errors.h"
#include "api/object.h"
#include "apiserver/rest/aside.h"
#include "apiserver/rest/audited.h"
#include "apiserver/rest/body.h"
#include "apiserver/rest/deadline.h"
#include "apiserver/rest/verbs.h"

namespace ph::apiserver {

WriteRequest write_request(Call& call, std::string manager, bool dry_run) {
  WriteRequest request;
  request.user = call.user;
  request.manager = std::move(manager);
  request.through = call.held;
  request.subresource = call.info.subresource;
  request.dry_run = dry_run;
  request.warnings = &call.warnings;
  request.fence = fence_of_request(call.request);
  request.size = call.request.body.size();
  request.options.field_manager = std::string(call.query.get("fieldManager"));
  request.options.field_validation = std::string(call.query.get("fieldValidation"));
  request.options.dry_run = call.query.all("dryRun");
  request.deadline = call.deadline;
  if (call.request.headers.get(kAdmissionTraceHeader) == "true") {
    if (!call.trace) call.trace = std::make_unique<AdmissionTrace>();
    request.trace = call.trace.get();
  }
  request.trail = call.trail.get();
  request.conversions = call.conversions;
  return request;
}

Task<api::Object> object_of(Core& core, Call& call, const WriteOptions& options) {
  if (call.decoded) co_return std::move(call.decoded);
  api::Object object = co_await aside(core, call.request.body.size(), [&] {
    return read_body(call.request, *call.served->resource->schema, options.unknown, call.warnings);
  });
  audit_object(call, object);
  co_return object;
}

void without_tables(Call& call) {
  if (call.form.as != As::Table) return;
  call.form = {};
  call.form = negotiate(call.request, false, false);
}

void match_namespace(const Call& call, api::Object& object) {
  meta::v1::ObjectMeta& metadata = object.mutable_metadata();
  const std::string& wanted = call.served->resource->namespaced ? call.info.namespace_name : std::string();
  if (metadata.namespace_() == wanted) return;
  if (!metadata.namespace_().empty() && !wanted.empty()) {
    throw api::bad_request("the namespace of the provided object does not match the namespace sent on the request");
  }
  metadata.set_namespace_(wanted);
}

void match_name(const Call& call, const api::Object& object) {
  const std::string& name = object.metadata().name();
  if (name.empty()) {
    throw api::bad_request(
        fmt::format("the name of the object ({} based on URL) was undeterminable: name must be provided", call.info.name));
  }
  if (name == call.info.name) return;
  throw api::bad_request(
      fmt::format("the name of the object ({}) does not match the name on the URL ({})", name, call.info.name));
}

Task<void> wait_for_revision(Core& core, const Call& call, WatchCache& cache, Revision revision) {
  constexpr Duration kPatience = 3s;
  constexpr Duration kStep = 50ms;
  for (Duration waited = 0s; cache.revision() < revision; waited += kStep) {
    if (waited >= kPatience) {
      meta::v1::Status status =
          api::timeout(fmt::format("Too large resource version: {}, current: {}", revision.value, cache.revision().value))
              .status();
      status.mutable_details()->set_retry_after_seconds(1);
      auto& cause = *status.mutable_details()->add_causes();
      cause.set_reason("ResourceVersionTooLarge");
      cause.set_message("Too large resource version");
      throw api::ApiError(std::move(status));
    }
    const Steady now = core.executor.clock().steady();
    if (now >= call.deadline) throw out_of_time();
    co_await sleep_for(std::min(kStep, call.deadline - now));
  }
}

}  // namespace ph::apiserver
