// PUT of namespaces/x/finalize: what still holds a namespace that is being deleted.
#include "api/errors.h"
#include "api/kinds.h"
#include "api/object.h"
#include "apiserver/rest/body.h"
#include "apiserver/rest/options.h"
#include "apiserver/rest/respond.h"
#include "apiserver/rest/validate.h"
#include "apiserver/rest/verbs.h"

namespace ph::apiserver {

using core::v1::Namespace;

Task<HttpResponse> finalize_namespace(Core& core, Call& call) {
  const WriteOptions options = write_options(call.request, call.query, "UpdateOptions");
  const std::unique_ptr<Message> body = read_body(call.request, *call.served->resource->schema, options.unknown, call.warnings);
  match_name(call, *body);
  const Namespace& wanted = static_cast<const Namespace&>(*body);
  const Make make = [&](const Message& stored) {
    check_uid(*call.served, call.key(), wanted.metadata().uid(), api::metadata(stored).uid());
    auto object = std::make_unique<Namespace>(static_cast<const Namespace&>(stored));
    *object->mutable_spec()->mutable_finalizers() = wanted.spec().finalizers();
    object->mutable_metadata()->set_resource_version(wanted.metadata().resource_version());
    return object;
  };
  WriteResult result = co_await update_object(core, *call.served, call.key(), UpdateKind::Part, make,
                                              write_request(call, options.manager, options.dry_run));
  co_return answer_entry(core, call, 200, std::move(result.entry));
}

}  // namespace ph::apiserver
