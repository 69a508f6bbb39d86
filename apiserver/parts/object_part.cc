#include "apiserver/parts/object_part.h"

#include "apiserver/rest/applying.h"
#include "apiserver/rest/audited.h"
#include "apiserver/rest/body.h"
#include "apiserver/rest/negotiate.h"
#include "apiserver/rest/options.h"
#include "apiserver/rest/patching.h"
#include "apiserver/rest/respond.h"
#include "apiserver/rest/validate.h"
#include "apiserver/rest/verbs.h"

namespace ph::apiserver {
namespace {

api::Object with_part(const MakePart& make, const api::Object& stored, const api::Object& wanted) {
  api::Object out = make(stored, wanted);
  out.mutable_metadata().set_resource_version(wanted.metadata().resource_version());
  if (!wanted.metadata().uid().empty()) out.mutable_metadata().set_uid(wanted.metadata().uid());
  return out;
}

Task<HttpResponse> write_part(Core& core, Call& call, std::string manager, bool dry_run, Make make) {
  WriteResult result = co_await update_object(core, *call.served, call.key(), UpdateKind::Part, std::move(make),
                                              write_request(call, std::move(manager), dry_run));
  co_return answer_entry(core.front, call, 200, std::move(result.entry));
}

// Who owns what is told by the application itself; the write leaves it be.
Task<HttpResponse> apply_part(Core& core, Call& call, const MakePart& make) {
  const WriteOptions options = write_options(call.request, call.query, "PatchOptions");
  audit_patch(call);
  const Applying applying = co_await Applying::read(core, call, options);
  co_return co_await write_part(core, call, {}, options.dry_run, [&](const api::Object& stored) {
    call.warnings.clear();
    const api::Object wanted = applying.over(*call.served->resource->schema, &stored, call.warnings);
    api::Object out = with_part(make, stored, wanted);
    *out.mutable_metadata().mutable_managed_fields() = wanted.metadata().managed_fields();
    return out;
  });
}

}  // namespace

Task<HttpResponse> update_part(Core& core, Call& call, MakePart make) {
  Served& served = *call.served;
  const WriteOptions options = write_options(call.request, call.query, "UpdateOptions");
  api::Object body = read_body(call.request, *served.resource->schema, options.unknown, call.warnings);
  audit_object(call, body);
  match_name(call, body);
  match_namespace(call, body);
  co_return co_await write_part(core, call, options.manager, options.dry_run, [&](const api::Object& stored) {
    check_uid(served, call.key(), options.dry_run, body.metadata().uid(), stored.metadata().uid());
    return with_part(make, stored, body);
  });
}

Task<HttpResponse> patch_part(Core& core, Call& call, MakePart make) {
  if (is_apply(call.request)) co_return co_await apply_part(core, call, make);
  const PatchType type = patch_type(call.request);
  const WriteOptions options = write_options(call.request, call.query, "PatchOptions");
  audit_patch(call);
  co_return co_await write_part(core, call, options.manager, options.dry_run, [&](const api::Object& stored) {
    call.warnings.clear();
    const api::Object wanted = apply_patch(type, call.request.body, stored, options.unknown, call.warnings);
    match_name(call, wanted);
    return with_part(make, stored, wanted);
  });
}

}  // namespace ph::apiserver
