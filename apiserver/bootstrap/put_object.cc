#include "apiserver/bootstrap/put_object.h"

#include "api/codec.h"
#include "api/errors.h"
#include "api/kinds.h"

namespace ph::apiserver {

namespace {

Identity self() { return {.name = "system:apiserver", .uid = {}, .groups = {"system:masters"}, .extra = {}}; }

}  // namespace

Task<void> put_object(ApiServer& server, std::unique_ptr<google::protobuf::Message> object) {
  const api::Resource& resource = *server.reader().resource(api::schema_of(*object));
  const meta::v1::ObjectMeta& metadata = api::metadata(*object);
  HttpRequest request;
  request.method = "PUT";
  request.target = (resource.kind.group.empty() ? "/api/" : "/apis/") + resource.kind.api_version();
  if (resource.namespaced) request.target += "/namespaces/" + metadata.namespace_();
  request.target += "/" + resource.plural + "/" + metadata.name();
  request.headers.add("Content-Type", "application/vnd.kubernetes.protobuf");
  request.headers.add("Accept", "application/vnd.kubernetes.protobuf");
  request.headers.add("User-Agent", "kube-apiserver");
  request.body = api::encode_envelope(*object);
  request.peer.identity = self();
  const HttpResponse response = co_await server.handle(std::move(request));
  // Another server of the same version has changed it at the same moment: what it wrote is as good.
  if (response.status >= 400 && response.status != 409 && response.status != 404) {
    throw api::internal("cannot reconcile " + resource.plural + " " + metadata.name());
  }
}

}  // namespace ph::apiserver
