#include "controllers/common/apply.h"

#include "informers/request.h"

namespace ph::controllers {

Task<Applied> apply(Client& client, const api::Schema& schema, ObjectKey key, std::string uid, std::string manager,
                    nlohmann::json document, std::string subresource) {
  const api::Resource& resource = *api::Scheme::builtin().resource(schema);
  document["apiVersion"] = schema.kind->api_version();
  document["kind"] = schema.kind->kind;
  document["metadata"] = {{"name", key.name}, {"uid", uid}};
  if (!key.namespace_name.empty()) document["metadata"]["namespace"] = key.namespace_name;
  informers::RequestBuilder request("PATCH", resource, key.namespace_name, key.name, subresource);
  request.query("fieldManager", manager).query("force", "true").body("application/apply-patch+yaml", document.dump());
  const HttpResponse response = co_await client.transport().send(std::move(request).build(client.user_agent()), false);
  std::string body;
  for (const SharedBytes& piece : response.body) body += *piece;
  if (response.status >= 400)
    co_return Applied{.revision = {}, .refusal = api::ApiError(informers::status_of_answer(response.status, body))};
  co_return Applied{.revision = informers::revision_of(informers::answer_object(body)), .refusal = std::nullopt};
}

}  // namespace ph::controllers
