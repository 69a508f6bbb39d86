#include "controllers/common/apply.h"

#include "informers/request.h"

namespace ph::controllers::detail {

Task<Applied> apply(Client& client, const api::Schema& schema, const meta::v1::ObjectMeta& to, std::string manager,
                    nlohmann::json document, std::string subresource) {
  const api::Resource& resource = *api::Scheme::builtin().resource(schema);
  document["apiVersion"] = schema.kind->api_version();
  document["kind"] = schema.kind->kind;
  document["metadata"] = {{"name", to.name()}, {"uid", to.uid()}};
  if (!to.namespace_().empty()) document["metadata"]["namespace"] = to.namespace_();
  informers::RequestBuilder request("PATCH", resource, to.namespace_(), to.name(), subresource);
  request.query("fieldManager", manager).query("force", "true").body("application/apply-patch+yaml", document.dump());
  const HttpResponse response = co_await client.transport().send(std::move(request).build(client.user_agent()), false);
  std::string body;
  for (const SharedBytes& piece : response.body) body += *piece;
  if (response.status >= 400)
    co_return Applied{.revision = {}, .refusal = api::ApiError(informers::status_of_answer(response.status, body))};
  co_return Applied{.revision = informers::revision_of(informers::answer_object(body)), .refusal = std::nullopt};
}

}  // namespace ph::controllers::detail
