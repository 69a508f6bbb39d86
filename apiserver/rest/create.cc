// POST of a collection.
#include "api/errors.h"
#include "api/object.h"
#include "api/object_rules.h"
#include "api/rules.h"
#include "apiserver/rest/aside.h"
#include "apiserver/rest/audited.h"
#include "apiserver/rest/body.h"
#include "apiserver/rest/conversions.h"
#include "apiserver/rest/options.h"
#include "apiserver/rest/part_admission.h"
#include "apiserver/rest/respond.h"
#include "apiserver/rest/validate.h"
#include "apiserver/rest/verbs.h"

namespace ph::apiserver {

Task<HttpResponse> create(Core& core, Call& call) {
  Served& served = *call.served;
  const WriteOptions options = write_options(call.request, call.query, "CreateOptions");
  api::Object object = co_await object_of(core, call, options);
  match_namespace(call, object);
  // A custom resource has a schema in each of its versions.
  if (served.stored_as && served.resource->schema->custom) validate_create(served, object);
  WriteRequest write = write_request(call, options.manager, options.dry_run);
  write.prepared = call.prepared;
  if (served.stored_as) object = co_await converting(core, call.conversions, 0, [&] { return served.to_stored(object); });
  WriteResult result = co_await create_object(core, storage_of(served), std::move(object), std::move(write));
  call.spent = std::make_shared<Draft>(std::move(result.spent));
  co_return answer_entry(core.front, call, 201, co_await shown_soon(core, call, std::move(result.entry)));
}

Task<HttpResponse> create_virtual(Core& core, Call& call, VirtualResource& resource) {
  without_tables(call);
  const api::GroupVersionKind kind = call.subresource != nullptr ? call.subresource->kind : call.served->resource->kind;
  const api::Schema& schema = *core.scheme().find(kind);
  const WriteOptions options = write_options(call.request, call.query, "CreateOptions");
  api::Object object = co_await aside(core, call.request.body.size(),
                                      [&] { return read_body(call.request, schema, options.unknown, call.warnings); });
  audit_object(call, object);
  if (call.subresource == nullptr) match_namespace(call, object);
  co_await admit_part(core, call, object, options.dry_run);
  const api::KindRules& rules = api::rules_of(schema);
  if (rules.validate != nullptr) {
    api::Errors errors;
    rules.validate(*object.message(), errors);
    if (!errors.empty()) throw api::invalid(qualified_kind(kind), object.metadata().name(), errors.list());
  }
  VirtualRequest request;
  request.info = &call.info;
  request.user = &call.user;
  request.object = object.message();
  co_await resource.create(request);
  co_return answer_message(call.form, 201, *object.message());
}

}  // namespace ph::apiserver
