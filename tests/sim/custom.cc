#include "tests/sim/custom.h"

#include <fmt/format.h>

#include "api/codec.h"
#include "api/errors.h"
#include "informers/request.h"

namespace ph::sim {

using informers::Client;
using meta::v1::ObjectMeta;

api::Resource CustomKind::resource() const {
  api::Resource out;
  out.kind = {group, "v1", kind};
  out.plural = plural;
  out.namespaced = namespaced;
  return out;
}

apiextensions::v1::CustomResourceDefinition make_definition(const CustomKind& kind) {
  apiextensions::v1::CustomResourceDefinition out;
  api::decode_json(fmt::format(
                       R"({{"metadata":{{"name":"{}"}},"spec":{{"group":"{}","scope":"{}","names":{{"plural":"{}","kind":"{}"}},
              "versions":[{{"name":"v1","served":true,"storage":true,
                "schema":{{"openAPIV3Schema":{{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}}}}]}}}})",
                       kind.name(), kind.group, kind.namespaced ? "Namespaced" : "Cluster", kind.plural, kind.kind),
                   out);
  return out;
}

ObjectMeta create_custom(Cluster& cluster, const CustomKind& kind, const ObjectMeta& metadata) {
  return cluster.call<ObjectMeta>([&](Client& client) -> Task<ObjectMeta> {
    return [](Client& client, CustomKind kind, ObjectMeta metadata) -> Task<ObjectMeta> {
      HttpRequest request;
      request.method = "POST";
      request.target = (kind.group.empty() ? "/api/" : "/apis/") + kind.api_version() +
                       (kind.namespaced ? "/namespaces/" + metadata.namespace_() : "") + "/" + kind.plural;
      request.headers.add("content-type", "application/json");
      request.headers.add("accept", "application/json");
      request.body = fmt::format(R"({{"apiVersion":"{}","kind":"{}","metadata":{}}})", kind.api_version(), kind.kind,
                                 api::encode_json(metadata));
      HttpResponse response = co_await client.transport().send(std::move(request), false);
      std::string body;
      for (const SharedBytes& piece : response.body) body += *piece;
      if (response.status >= 400) throw api::ApiError(informers::status_of_answer(response.status, body));
      meta::v1::PartialObjectMetadata made;
      api::decode_json(body, made);
      co_return made.metadata();
    }(client, kind, metadata);
  });
}

std::optional<ObjectMeta> find_custom(Cluster& cluster, const CustomKind& kind, const std::string& key) {
  const api::Resource resource = kind.resource();
  const auto found = cluster.call<std::optional<Client::Metadata>>(
      [&](Client& client) { return client.find_metadata(resource, ObjectKey::parse(key)); });
  if (!found) return std::nullopt;
  return found->metadata;
}

informers::Removed remove_custom(Cluster& cluster, const CustomKind& kind, const std::string& key,
                                 informers::DeleteOptions options) {
  const api::Resource resource = kind.resource();
  return cluster.call<informers::Removed>(
      [&](Client& client) { return client.remove_object(resource, ObjectKey::parse(key), options); });
}

void patch_custom(Cluster& cluster, const CustomKind& kind, const std::string& key, const std::string& patch) {
  const api::Resource resource = kind.resource();
  cluster.call<int>([&](Client& client) {
    return [](Client& client, const api::Resource& resource, ObjectKey key, std::string patch) -> Task<int> {
      co_await client.patch_metadata(resource, std::move(key), informers::Patch::merge(std::move(patch)));
      co_return 0;
    }(client, resource, ObjectKey::parse(key), patch);
  });
}

ObjectMeta metadata_of(const std::string& key) {
  const ObjectKey parsed = ObjectKey::parse(key);
  ObjectMeta out;
  out.set_namespace_(parsed.namespace_name);
  out.set_name(parsed.name);
  return out;
}

void add_owner(ObjectMeta* metadata, const std::string& api_version, const std::string& kind, const ObjectMeta& owner,
               bool blocks) {
  auto& reference = *metadata->add_owner_references();
  reference.set_api_version(api_version);
  reference.set_kind(kind);
  reference.set_name(owner.name());
  reference.set_uid(owner.uid());
  reference.set_block_owner_deletion(blocks);
}

}  // namespace ph::sim
