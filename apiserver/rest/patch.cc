// PATCH of an object, or of its status.
#include "api/errors.h"
#include "api/object.h"
#include "apiserver/rest/audited.h"
#include "apiserver/rest/conversions.h"
#include "apiserver/rest/negotiate.h"
#include "apiserver/rest/options.h"
#include "apiserver/rest/patching.h"
#include "apiserver/rest/respond.h"
#include "apiserver/rest/verbs.h"

namespace ph::apiserver {

namespace {

UpdateKind kind_of(const Call& call) { return call.info.subresource == "status" ? UpdateKind::Status : UpdateKind::Main; }

// Of what is stored as it is shown: a pure function of the stored object. The call outlives it.
Make patched(Call& call, PatchType type, api::Unknown unknown) {
  return [&call, type, unknown](const api::Object& stored) {
    call.warnings.clear();  // of an earlier attempt
    api::Object object = apply_patch(type, call.request.body, stored, unknown, call.warnings);
    match_name(call, object);
    match_namespace(call, object);
    return object;
  };
}

// Of what is stored as something else.
Make patched_view(Call& call, PatchType type, api::Unknown unknown) {
  return [&call, type, unknown](const api::Object& stored) {
    Served& served = *call.served;
    call.warnings.clear();
    const api::Object view = served.to_shown(stored);
    api::Object object = apply_patch(type, call.request.body, view, unknown, call.warnings);
    match_name(call, object);
    match_namespace(call, object);
    return to_stored(served, std::move(object));
  };
}

}  // namespace

void draft_patch(const Front& front, Call& call, EntryRef entry) {
  if (is_apply(call.request)) return;
  const WriteOptions options = write_options(call.request, call.query, "PatchOptions");
  const Make make = patched(call, patch_type(call.request), options.unknown);
  call.draft = std::make_shared<Draft>(
      draft_update(*call.served, kind_of(call), std::move(entry), make, options.manager, call.info.subresource, front.now()));
}

Task<HttpResponse> patch(Core& core, Call& call) {
  if (is_apply(call.request)) co_return co_await apply(core, call);
  Served& served = *call.served;
  const PatchType type = patch_type(call.request);
  const WriteOptions options = write_options(call.request, call.query, "PatchOptions");
  audit_patch(call);
  const Make make = served.stored_as ? patched_view(call, type, options.unknown) : patched(call, type, options.unknown);
  WriteRequest write = write_request(call, options.manager, options.dry_run);
  write.make_is_pure = served.stored_as == nullptr;
  write.draft = std::move(call.draft);
  WriteResult result = co_await update_object(core, storage_of(served), call.key(), kind_of(call), make, std::move(write));
  call.spent = std::make_shared<Draft>(std::move(result.spent));
  co_return answer_entry(core.front, call, 200, co_await shown_soon(core, call, std::move(result.entry)));
}

}  // namespace ph::apiserver
