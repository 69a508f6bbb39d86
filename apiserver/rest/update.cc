// PUT of an object, or of its status.
#include "api/errors.h"
#include "api/object.h"
#include "apiserver/rest/aside.h"
#include "apiserver/rest/body.h"
#include "apiserver/rest/members.h"
#include "apiserver/rest/options.h"
#include "apiserver/rest/respond.h"
#include "apiserver/rest/validate.h"
#include "apiserver/rest/verbs.h"

namespace ph::apiserver {
namespace {

void require_revision(const Served& served, const meta::v1::ObjectMeta& metadata) {
  if (!served.has(kNeedsRevision) || !metadata.resource_version().empty()) return;
  api::Errors errors;
  errors.invalid(api::Path("metadata.resourceVersion"), "0x0", "must be specified for an update");
  throw api::invalid(served.qualified_kind, metadata.name(), errors.list());
}

}  // namespace

Task<HttpResponse> update(Core& core, Call& call) {
  Served& served = *call.served;
  Served& storage = storage_of(served);
  const WriteOptions options = write_options(call.request, call.query, "UpdateOptions");
  std::unique_ptr<Message> object = co_await aside(core, call.request.body.size(), [&] {
    return read_body(call.request, *served.resource->schema, options.unknown, call.warnings);
  });
  match_name(call, *object);
  match_namespace(call, *object);
  const meta::v1::ObjectMeta& metadata = api::metadata(*object);
  const bool has_revision = !metadata.resource_version().empty();
  if (has_revision) parse_revision(metadata.resource_version());
  object = to_stored(served, std::move(object));

  const bool exists = storage.cache->find(call.key().text()) != nullptr;
  if (!exists && storage.has(kCreateOnUpdate) && call.info.subresource.empty() && !has_revision) {
    WriteResult result = co_await create_object(core, storage, std::move(object), write_request(call, options.manager, options.dry_run));
    co_return answer_entry(core, call, 201, shown(served, result.entry));
  }
  if (exists) require_revision(storage, api::metadata(*object));
  Make make = [&object](const Message&) { return clone(*object); };
  if (has_revision) {
    // A lost race ends in a conflict anyway: the only copy can be given away.
    make = [&object, &served, name = call.info.name](const Message&) {
      if (!object) throw api::conflict(served.qualified, name, kModified);
      return std::move(object);
    };
  }
  const UpdateKind kind = call.info.subresource == "status" ? UpdateKind::Status : UpdateKind::Main;
  WriteResult result =
      co_await update_object(core, storage, call.key(), kind, std::move(make), write_request(call, options.manager, options.dry_run));
  co_return answer_entry(core, call, 200, shown(served, result.entry));
}

}  // namespace ph::apiserver
