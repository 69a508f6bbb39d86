#include "apiserver/admission/webhook/request_view.h"

#include "api/codec.h"
#include "api/encoded.h"
#include "apiserver/admission/awaited_versions.h"
#include "apiserver/parts/parts.h"

namespace ph::apiserver::webhook {

using nlohmann::json;

namespace {

json kind_json(const api::GroupVersionKind& kind) {
  return {{"group", kind.group}, {"version", kind.version}, {"kind", kind.kind}};
}

json resource_json(const api::Resource& resource) {
  return {{"group", resource.kind.group}, {"version", resource.kind.version}, {"resource", resource.plural}};
}

json user_json(const Identity& user) {
  json out = {{"username", user.name}};
  if (!user.uid.empty()) out["uid"] = user.uid;
  if (!user.groups.empty()) out["groups"] = user.groups;
  for (const auto& [key, values] : user.extra) out["extra"][key] = values;
  return out;
}

json options_json(const RequestOptions& options, std::string_view operation) {
  json out = json::object();
  std::string_view kind = operation == "CREATE" ? "CreateOptions" : "UpdateOptions";
  if (options.deletion) {
    out = api::to_json(*options.deletion);
    kind = "DeleteOptions";
  } else {
    if (!options.dry_run.empty()) out["dryRun"] = options.dry_run;
    if (!options.field_manager.empty()) out["fieldManager"] = options.field_manager;
    if (!options.field_validation.empty()) out["fieldValidation"] = options.field_validation;
  }
  out["kind"] = kind;
  out["apiVersion"] = "meta.k8s.io/v1";
  return out;
}

}  // namespace

const std::vector<const api::Resource*>& RequestView::equivalents() {
  if (equivalents_) return *equivalents_;
  std::vector<const api::Resource*>& out = equivalents_.emplace();
  const std::string& prefix = request_.resource->storage_prefix;
  if (prefix.empty() || !request_.versions) return out;
  for (const api::Resource& other : reader_.scheme().resources()) {
    if (other.storage_prefix != prefix || other.kind == sent().kind) continue;
    if (request_.subresource.empty() || other.subresource(request_.subresource) != nullptr) out.push_back(&other);
  }
  return out;
}

const std::string& RequestView::namespace_name() const {
  const bool is_namespace = request_.resource->kind.group.empty() && request_.resource->plural == "namespaces";
  return is_namespace ? request_.key.name : request_.key.namespace_name;
}

bool RequestView::is_about_object() const {
  const api::Subresource* part = request_.resource->subresource(request_.subresource);
  return part == nullptr || part->kind.kind == request_.resource->kind.kind || part_view(part->name) != nullptr;
}

const api::Schema& RequestView::schema(const api::Resource& as) const {
  const api::Subresource* part = as.subresource(request_.subresource);
  const api::Schema* other = part != nullptr && part->kind != as.kind ? reader_.scheme().find(part->kind) : nullptr;
  return other != nullptr ? *other : *as.schema;
}

Target RequestView::target(const api::Resource& as) const {
  return {.group = as.kind.group,
          .version = as.kind.version,
          .resource = as.plural,
          .subresource = request_.subresource,
          .namespace_name = namespace_name(),
          .operation = request_.operation};
}

const json& RequestView::document(Documents& known, const api::Resource& as, const api::Object* object) const {
  const auto [found, is_new] = known.try_emplace(&as);
  if (is_new && object != nullptr && *object) {
    found->second = request_.versions ? api::to_json(request_.versions->shown(*object, as)) : api::to_json(*object);
  }
  return found->second;
}

const json& RequestView::object(const api::Resource& as) { return document(objects_, as, request_.object); }
const json& RequestView::old_object(const api::Resource& as) { return document(old_objects_, as, request_.old_object); }

Soon<> RequestView::ready(const api::Resource& as) {
  const AwaitedVersions* const versions = awaited_versions(request_);
  if (versions == nullptr) return {};
  const auto wanted = [&as](const Documents& known, const api::Object* object) {
    return object != nullptr && *object && !known.contains(&as);
  };
  Soon<> object = wanted(objects_, request_.object) ? versions->before_shown(*request_.object, as) : Soon<>();
  return then(std::move(object), [this, &as, wanted, versions] {
    return wanted(old_objects_, request_.old_object) ? versions->before_shown(*request_.old_object, as) : Soon<>();
  });
}

json RequestView::attributes(const api::Resource& as) const {
  const auto kind_of = [&](const api::Resource& resource) {
    const api::Subresource* part = resource.subresource(request_.subresource);
    return kind_json(part != nullptr ? part->kind : resource.kind);
  };
  json out = {{"kind", kind_of(as)},
              {"resource", resource_json(as)},
              {"requestKind", kind_of(sent())},
              {"requestResource", resource_json(sent())},
              {"operation", request_.operation},
              {"userInfo", user_json(*request_.user)},
              {"dryRun", request_.dry_run},
              {"options", request_.options ? options_json(*request_.options, request_.operation) : json()}};
  const auto set = [&](const char* member, const std::string& text) {
    if (!text.empty()) out[member] = text;
  };
  set("subResource", request_.subresource);
  set("requestSubResource", request_.subresource);
  set("name", request_.key.name);
  set("namespace", namespace_name());
  return out;
}

}  // namespace ph::apiserver::webhook
