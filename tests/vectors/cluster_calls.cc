#include "tests/vectors/cluster_calls.h"

#include <optional>

#include "api/schema.h"

namespace ph::vectors {
namespace {

Task<CallAnswer> exchange(Transport& transport, HttpRequest request) {
  const HttpResponse response = co_await transport.send(std::move(request), false);
  std::string text;
  for (const SharedBytes& piece : response.render ? response.render() : response.body) text += *piece;
  Json body = Json::parse(text, nullptr, false);
  co_return CallAnswer{response.status, body.is_discarded() ? Json(text) : std::move(body)};
}

const api::Resource* resource_of(const Json& object) {
  const std::string version = object.value("apiVersion", "v1");
  const std::size_t slash = version.find('/');
  const std::string group = slash == std::string::npos ? "" : version.substr(0, slash);
  const std::string kind = object.value("kind", "");
  for (const api::Resource& resource : api::Scheme::builtin().resources()) {
    if (resource.kind.group == group && resource.kind.kind == kind) return &resource;
  }
  return nullptr;
}

}  // namespace

ClusterCalls::ClusterCalls(sim::Cluster& cluster, const std::string& program)
    : cluster_(cluster),
      program_(program),
      transport_(in_process_transport(
          cluster.server(), cluster.executor(),
          // The recorder's user, whatever he played.
          Identity{.name = "script", .uid = "1", .groups = {"system:masters", "system:authenticated"}, .extra = {}})) {}

CallAnswer ClusterCalls::send(const std::string& method, const std::string& path, const Json& body, const std::string& type) {
  HttpRequest request;
  request.method = method;
  request.target = path;
  if (!body.is_null()) {
    request.body = body.is_string() ? body.get<std::string>() : body.dump();
    request.headers.add("Content-Type", type);
  }
  request.headers.add("Accept", "application/json");
  request.headers.add("User-Agent", program_ + "/v1.36.2");
  // Whoever sends one request after the other waits for answers, and for nothing that others make of them.
  std::optional<CallAnswer> answer;
  Scope scope(cluster_.executor());
  scope.spawn([](Task<CallAnswer> answering, std::optional<CallAnswer>& answer) -> Task<void> {
    answer = co_await std::move(answering);
  }(exchange(*transport_, std::move(request)), answer));
  cluster_.executor().drain_until([&] { return answer.has_value(); });
  for (int i = 0; i < 100'000 && !answer; ++i) cluster_.advance(1ms);
  PH_ASSERT(answer);
  return std::move(*answer);
}

std::string collection_of(const Json& object) {
  const api::Resource* resource = resource_of(object);
  if (!resource) return {};
  const std::string group = resource->kind.group;
  std::string path = group.empty() ? "/api/" : "/apis/" + group + "/";
  path += resource->kind.version;
  if (resource->namespaced) path += "/namespaces/" + object["metadata"].value("namespace", "default");
  return path + "/" + std::string(resource->plural);
}

std::string path_of(const Json& object) {
  const std::string collection = collection_of(object);
  return collection.empty() ? collection : collection + "/" + object["metadata"].value("name", "");
}

CallAnswer create_whole(ClusterCalls& calls, const Json& object) {
  const std::string collection = collection_of(object);
  if (collection.empty()) return {404, {{"message", "not served: " + object.value("kind", "")}}};
  CallAnswer made = calls.send("POST", collection, object);
  if (made.code == 201 && object.contains("status") && !object["status"].empty()) {
    calls.send("PATCH", path_of(object) + "/status", {{"status", object["status"]}}, "application/merge-patch+json");
  }
  return made;
}

}  // namespace ph::vectors
