// PUT of namespaces/x/finalize: what still holds a namespace that is being deleted.
#include "api/errors.h"
#include "api/kinds.h"
#include "api/object.h"
#include "api/rules.h"
#include "apiserver/parts/parts.h"
#include "apiserver/rest/audited.h"
#include "apiserver/rest/body.h"
#include "apiserver/rest/options.h"
#include "apiserver/rest/respond.h"
#include "apiserver/rest/validate.h"
#include "apiserver/rest/verbs.h"

namespace ph::apiserver {

using core::v1::Namespace;

Task<HttpResponse> finalize_namespace(Core& core, Call& call) {
  const WriteOptions options = write_options(call.request, call.query, "UpdateOptions");
  const api::Object body = read_body(call.request, *call.served->resource->schema, options.unknown, call.warnings);
  audit_object(call, body);
  match_name(call, body);
  const Namespace& wanted = body.as<Namespace>();
  const Make make = [&](const api::Object& stored) -> api::Object {
    check_uid(*call.served, call.key(), options.dry_run, wanted.metadata().uid(), stored.metadata().uid());
    auto object = std::make_unique<Namespace>(stored.as<Namespace>());
    *object->mutable_spec()->mutable_finalizers() = wanted.spec().finalizers();
    object->mutable_metadata()->set_resource_version(wanted.metadata().resource_version());
    api::Errors errors;
    api::rules_of(*call.served->resource->schema).validate_update(*object, stored.as<Namespace>(), errors);
    if (!errors.empty()) throw api::invalid(call.served->qualified_kind, call.info.name, errors.list());
    return object;
  };
  WriteResult result = co_await update_object(core, *call.served, call.key(), UpdateKind::Part, make,
                                              write_request(call, options.manager, options.dry_run));
  co_return answer_entry(core.front, call, 200, std::move(result.entry));
}

}  // namespace ph::apiserver
