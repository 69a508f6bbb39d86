#include "informers/apply.h"

#include "base/assert.h"
#include "informers/request.h"

namespace ph::informers {

Task<Patched> try_apply(Client& client, const api::Schema& schema, ObjectKey key, std::string subresource, std::string document,
                        std::string field_manager) {
  const api::Resource* resource = api::Scheme::builtin().resource(schema);
  PH_ASSERT(resource != nullptr);
  RequestBuilder request("PATCH", *resource, key.namespace_name, key.name, subresource);
  request.query("fieldManager", field_manager).query("force", "true").body("application/apply-patch+yaml", std::move(document));
  HttpRequest built = std::move(request).build(client.user_agent());
  const HttpResponse answer = co_await client.transport().send(std::move(built), false);
  if (answer.status < 400) co_return Patched::Yes;
  if (answer.status == 404) co_return Patched::Gone;
  std::string body;
  for (const SharedBytes& piece : answer.body) body += *piece;
  throw api::ApiError(status_of_answer(answer.status, body));
}

}  // namespace ph::informers
