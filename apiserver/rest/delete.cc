// DELETE of an object or of a selection of them.
#include "api/errors.h"
#include "api/object.h"
#include "apiserver/rest/audited.h"
#include "apiserver/rest/conversions.h"
#include "apiserver/rest/options.h"
#include "apiserver/rest/page.h"
#include "apiserver/rest/respond.h"
#include "apiserver/rest/verbs.h"

namespace ph::apiserver {
namespace {

// By its metadata alone, which all versions have alike.
meta::v1::Status deleted_status(Served& served, const EntryRef& entry) {
  const api::Object object = decode_entry(*storage_of(served).resource, *entry);
  meta::v1::Status status = success();
  meta::v1::StatusDetails& details = *status.mutable_details();
  details.set_name(object.metadata().name());
  details.set_uid(object.metadata().uid());
  details.set_group(served.resource->kind.group);
  details.set_kind(served.resource->plural);
  return status;
}

// Jobs leave their pods behind when nobody says otherwise, which surprises people.
void warn_of_orphans(Call& call, const Served& served, const meta::v1::DeleteOptions& options) {
  if (served.qualified != "jobs.batch" || options.has_orphan_dependents() || options.has_propagation_policy()) return;
  call.warnings.emplace_back(
      "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set "
      "propagationPolicy=Orphan to suppress this warning");
}

}  // namespace

Task<HttpResponse> remove(Core& core, Call& call) {
  Served& served = *call.served;
  Served& storage = storage_of(served);
  meta::v1::DeleteOptions options = delete_options(call.request, call.query);
  audit_deletion(call);
  warn_of_orphans(call, storage, options);
  const bool wants_dependents_gone = options.has_orphan_dependents() && !options.orphan_dependents();
  WriteResult result = co_await delete_object(core, storage, call.key(), options, write_request(call, {}, is_dry_run(options)));
  if (!result.removed || storage.has(kReturnsDeleted)) {
    const int status = !result.removed && wants_dependents_gone ? 202 : 200;
    co_return answer_entry(core.front, call, status, co_await shown_soon(core, call, std::move(result.entry)));
  }
  co_return answer_message(call.form, 200, deleted_status(served, result.entry));
}

Task<HttpResponse> remove_collection(Core& core, Call& call) {
  Served& served = *call.served;
  Served& storage = storage_of(served);
  const meta::v1::DeleteOptions options = delete_options(call.request, call.query);
  audit_deletion(call);
  warn_of_orphans(call, storage, options);

  Page page = co_await read_page(core, call, list_options(call.query, false));
  if (call.conversions && served.to_shown) co_await call.conversions->show(core, served, page.entries, true);
  for (const EntryRef& entry : page.entries) {
    try {
      co_await delete_object(core, storage, ObjectKey{std::string(entry->namespace_name()), std::string(entry->name())}, options,
                             write_request(call, {}, is_dry_run(options)));
    } catch (const api::ApiError& error) {
      if (!error.is("NotFound")) throw;  // somebody else was quicker
    }
  }
  co_return co_await answer_page(core, call, std::move(page));
}

}  // namespace ph::apiserver
