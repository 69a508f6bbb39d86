// PATCH of an object, or of its status.
#include "api/errors.h"
#include "api/object.h"
#include "apiserver/rest/negotiate.h"
#include "apiserver/rest/options.h"
#include "apiserver/rest/patching.h"
#include "apiserver/rest/respond.h"
#include "apiserver/rest/verbs.h"

namespace ph::apiserver {

Task<HttpResponse> patch(Core& core, Call& call) {
  if (is_apply(call.request)) co_return co_await apply(core, call);
  Served& served = *call.served;
  Served& storage = storage_of(served);
  const PatchType type = patch_type(call.request);
  const WriteOptions options = write_options(call.request, call.query, "PatchOptions");
  const Make make = [&](const api::Object& stored) {
    call.warnings.clear();  // of an earlier attempt
    api::Object object;
    if (!served.stored_as) {
      object = apply_patch(type, call.request.body, stored, options.unknown, call.warnings);
    } else {
      const EntryRef entry = shown(served, served.cache->find(call.key().text()));
      const api::Object view = decode_entry(*served.resource, *entry);
      object = apply_patch(type, call.request.body, view, options.unknown, call.warnings);
    }
    match_name(call, object);
    match_namespace(call, object);
    return to_stored(served, std::move(object));
  };
  const UpdateKind kind = call.info.subresource == "status" ? UpdateKind::Status : UpdateKind::Main;
  WriteRequest write = write_request(call, options.manager, options.dry_run);
  write.make_is_pure = served.stored_as == nullptr;
  WriteResult result = co_await update_object(core, storage, call.key(), kind, make, std::move(write));
  co_return answer_entry(core.front, call, 200, shown(served, result.entry));
}

}  // namespace ph::apiserver
