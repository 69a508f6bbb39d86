// PATCH that applies: an object that is not there is created.
#include <fmt/format.h>

#include "api/errors.h"
#include "api/object.h"
#include "api/object_rules.h"
#include "apiserver/rest/applying.h"
#include "apiserver/rest/aside.h"
#include "apiserver/rest/audited.h"
#include "apiserver/rest/conversions.h"
#include "apiserver/rest/identity.h"
#include "apiserver/rest/respond.h"
#include "apiserver/rest/round.h"
#include "apiserver/rest/validate.h"
#include "apiserver/rest/verbs.h"

namespace ph::apiserver {
namespace {

// Whose fields are whose is told by the object that is made, not by the write.
WriteRequest request_of(Call& call, const WriteOptions& options) { return write_request(call, {}, options.dry_run); }

Task<HttpResponse> create_applied(Core& core, Call& call, const Applying& applying, const WriteOptions& options) {
  Served& served = *call.served;
  // Who may patch may not thereby create.
  RequestInfo info = call.info;
  info.verb = "create";
  co_await authorize(core, call.user, info);
  api::Object object = co_await converting(core, call.conversions, call.request.body.size(), [&] {
    call.warnings.clear();
    return applying.over(*served.resource->schema, nullptr, call.warnings);
  });
  // It was meant for an object that there was.
  if (const std::string& uid = object.metadata().uid(); !uid.empty()) {
    throw api::conflict(served.qualified, call.info.name,
                        fmt::format("uid mismatch: the provided object specified uid {}, and no existing object was found", uid));
  }
  object.mutable_metadata().clear_resource_version();
  if (served.stored_as && served.resource->schema->custom) validate_create(served, object);
  if (served.stored_as) object = co_await converting(core, call.conversions, 0, [&] { return served.to_stored(object); });
  WriteResult result = co_await create_object(core, storage_of(served), std::move(object), request_of(call, options));
  co_return answer_entry(core.front, call, 201, co_await shown_soon(core, call, std::move(result.entry)));
}

Task<HttpResponse> update_applied(Core& core, Call& call, const Applying& applying, const WriteOptions& options) {
  Served& served = *call.served;
  const Make make = [&](const api::Object& stored) {
    call.warnings.clear();  // of an earlier attempt
    const api::Schema& schema = *served.resource->schema;
    if (!served.stored_as) return applying.over(schema, &stored, call.warnings);
    const api::Object view = served.to_shown(stored);
    return to_stored(served, applying.over(schema, &view, call.warnings));
  };
  const UpdateKind kind = call.info.subresource == "status" ? UpdateKind::Status : UpdateKind::Main;
  WriteRequest write = request_of(call, options);
  write.make_is_pure = true;
  WriteResult result = co_await update_object(core, storage_of(served), call.key(), kind, make, std::move(write));
  co_return answer_entry(core.front, call, 200, co_await shown_soon(core, call, std::move(result.entry)));
}

}  // namespace

Task<HttpResponse> apply(Core& core, Call& call) {
  const WriteOptions options = write_options(call.request, call.query, "PatchOptions");
  audit_patch(call);
  const Applying applying = co_await Applying::read(core, call, options);
  for (int attempt = 1;; ++attempt) {
    const bool updates = !call.info.subresource.empty() || storage_of(*call.served).cache->find(call.key().text()) != nullptr;
    try {
      if (updates) co_return co_await update_applied(core, call, applying, options);
      co_return co_await create_applied(core, call, applying, options);
    } catch (const api::ApiError& error) {
      // It has come, or gone, in the meantime.
      const bool is_other = call.info.subresource.empty() && error.is(updates ? "NotFound" : "AlreadyExists");
      if (!is_other || attempt == kAttempts) throw;
    }
  }
}

}  // namespace ph::apiserver
