// PUT of an object, or of its status.
#include "api/errors.h"
#include "api/object.h"
#include "apiserver/rest/aside.h"
#include "apiserver/rest/body.h"
#include "apiserver/rest/conversions.h"
#include "apiserver/rest/options.h"
#include "apiserver/rest/respond.h"
#include "apiserver/rest/validate.h"
#include "apiserver/rest/verbs.h"

namespace ph::apiserver {
namespace {

UpdateKind kind_of(const Call& call) { return call.info.subresource == "status" ? UpdateKind::Status : UpdateKind::Main; }

}  // namespace

// The object itself stays: when something comes between, all is made anew.
void draft_put(const Front& front, Call& call, EntryRef entry) {
  const Served& served = *call.served;
  const WriteOptions options = write_options(call.request, call.query, "UpdateOptions");
  match_name(call, call.decoded);
  match_namespace(call, call.decoded);
  const Make make = [&](const api::Object& stored) {
    check_uid(served, call.key(), options.dry_run, call.decoded.metadata().uid(), stored.metadata().uid());
    return call.decoded.clone();
  };
  call.draft = std::make_shared<Draft>(
      draft_update(served, kind_of(call), std::move(entry), make, options.manager, call.info.subresource, front.now()));
}

Task<HttpResponse> update(Core& core, Call& call) {
  Served& served = *call.served;
  Served& storage = storage_of(served);
  const WriteOptions options = write_options(call.request, call.query, "UpdateOptions");
  api::Object object = co_await object_of(core, call, options);
  match_name(call, object);
  match_namespace(call, object);
  if (served.stored_as) object = co_await converting(core, call.conversions, 0, [&] { return served.to_stored(object); });

  const bool exists = storage.cache->find(call.key().text()) != nullptr;
  const bool has_revision = exists && revision_of(object.metadata()) != Revision{};
  if (!exists && storage.has(kCreateOnUpdate) && call.info.subresource.empty()) {
    // Who means a certain object does not want another one in its place.
    check_uid(storage, call.key(), options.dry_run, object.metadata().uid(), {});
    object.mutable_metadata().clear_resource_version();
    WriteResult result =
        co_await create_object(core, storage, std::move(object), write_request(call, options.manager, options.dry_run));
    co_return answer_entry(core.front, call, 201, co_await shown_soon(core, call, std::move(result.entry)));
  }
  const Make make = [&](const api::Object& stored) {
    // A lost race ends in a conflict anyway when there is a revision: the only copy can be given away.
    if (!object) throw api::conflict(served.qualified, call.info.name, kModified);
    check_uid(storage, call.key(), options.dry_run, object.metadata().uid(), stored.metadata().uid());
    return has_revision ? std::move(object) : object.clone();
  };
  WriteRequest write = write_request(call, options.manager, options.dry_run);
  write.draft = std::move(call.draft);
  WriteResult result = co_await update_object(core, storage, call.key(), kind_of(call), make, std::move(write));
  call.spent = std::make_shared<Draft>(std::move(result.spent));
  co_return answer_entry(core.front, call, 200, co_await shown_soon(core, call, std::move(result.entry)));
}

}  // namespace ph::apiserver
