#include "apiserver/extensions/custom_kind.h"

#include <algorithm>

#include "api/codec.h"
#include "api/json_text.h"
#include "api/structural/objects.h"
#include "api/structural/scale.h"
#include "api/structural/structural.h"
#include "api/versions.h"
#include "apiserver/extensions/names.h"
#include "apiserver/rest/conversions.h"
#include "base/assert.h"
#include "net/encoding.h"

namespace ph::apiserver {

namespace {

using api::structural::Structural;
using apiextensions::v1::CustomResourceDefinition;
using apiextensions::v1::CustomResourceDefinitionVersion;

constexpr unsigned kTraits = kGeneration | kNeedsRevision;

// What all custom kinds have in common beside their schema.
class CustomRules final : public ResourceRules {
 public:
  explicit CustomRules(const CustomResourceDefinitionVersion& version, bool terminating) : terminating_(terminating) {
    if (version.subresources().has_scale()) scale_ = version.subresources().scale();
  }

  void prepare_create(WriteContext& context, api::Object&) override {
    if (terminating_) {
      throw api::method_not_allowed(qualified_resource(context.resource),
                                    "create not allowed while custom resource definition is terminating");
    }
  }

  // Through the status' door comes nothing but the status.
  void prepare_status(WriteContext&, api::Object& object, const api::Object& old) override {
    meta::v1::ObjectMeta metadata = old.metadata();
    *metadata.mutable_managed_fields() = object.metadata().managed_fields();
    metadata.set_resource_version(object.metadata().resource_version());
    object.mutable_metadata() = std::move(metadata);
  }

  void validate(const api::Object& object, api::Errors& errors) override {
    if (scale_) api::structural::validate_scale(*scale_, object.members(), errors);
  }

 private:
  std::optional<api::structural::ScalePaths> scale_;
  bool terminating_;
};

// ".spec.replicas" → "spec.replicas"
std::string dotted(std::string_view path) { return std::string(path.starts_with('.') ? path.substr(1) : path); }

api::GroupVersionKind kind_of(const CustomResourceDefinition& definition, const CustomResourceDefinitionVersion& version) {
  return {definition.spec().group(), version.name(), definition.status().accepted_names().kind()};
}

void add_subresources(const CustomResourceDefinitionVersion& version, api::Resource& resource) {
  const std::vector<std::string> verbs{"get", "patch", "update"};
  if (version.subresources().has_status()) resource.subresources.push_back({"status", resource.kind, verbs});
  if (!version.subresources().has_scale()) return;
  const auto& scale = version.subresources().scale();
  resource.subresources.push_back({"scale", {"autoscaling", "v1", "Scale"}, verbs});
  resource.scale = {dotted(scale.spec_replicas_path()), dotted(scale.status_replicas_path()),
                    dotted(scale.label_selector_path())};
}

void add_columns(const CustomResourceDefinitionVersion& version, api::Resource& resource) {
  for (const auto& column : version.additional_printer_columns()) {
    resource.columns.push_back(
        {column.name(), column.type(), column.format(), column.description(), column.json_path(), column.priority()});
  }
  if (resource.columns.empty()) {
    resource.columns.push_back({"Age", "date", "", "", ".metadata.creationTimestamp", 0});
  }
}

// As upstream makes it; of the version that stores.
std::string storage_version_hash(const api::GroupVersionKind& kind) {
  std::string out;
  api::append_base64(net::sha256(kind.group + "/" + kind.version + "/" + kind.kind).substr(0, 8), out);
  return out;
}

api::ResourceRef resource_of(const CustomResourceDefinition& definition, const CustomResourceDefinitionVersion& version) {
  const auto& names = definition.status().accepted_names();
  const auto structural = Structural::build(version.schema().open_api_v3_schema(), kind_of(definition, version));
  auto resource = std::make_shared<api::Resource>();
  resource->kind = kind_of(definition, version);
  resource->plural = names.plural();
  resource->singular = names.singular();
  resource->short_names.assign(names.short_names().begin(), names.short_names().end());
  resource->categories.assign(names.categories().begin(), names.categories().end());
  resource->verbs = {"delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"};
  resource->namespaced = definition.spec().scope() == "Namespaced";
  resource->field_selectors = {{"metadata.name", "metadata.name"}};
  if (resource->namespaced) resource->field_selectors.emplace_back("metadata.namespace", "metadata.namespace");
  for (const auto& field : version.selectable_fields()) {
    resource->field_selectors.emplace_back(dotted(field.json_path()), dotted(field.json_path()));
  }
  resource->storage_prefix = storage_prefix_of(definition);
  for (const auto& one : definition.spec().versions()) {
    if (one.storage()) resource->storage_version_hash = storage_version_hash(kind_of(definition, one));
  }
  resource->schema = &structural->schema();
  resource->owner = structural;
  add_subresources(version, *resource);
  add_columns(version, *resource);
  return resource;
}

// Whether what is stored may be of another version, or from before the schema was changed.
bool may_differ(const CustomResourceDefinition& definition) {
  return definition.metadata().generation() > 1 || definition.status().stored_versions_size() > 1;
}

std::function<api::Object(const api::Object&)> to_version(const api::ResourceRef& resource, bool outside) {
  if (outside) {
    return [resource](const api::Object& object) {
      const bool same = object.schema().kind == resource->kind;
      return same ? api::structural::as_version(object, *resource->schema) : Conversions::convert(object, resource);
    };
  }
  return [resource](const api::Object& object) { return api::structural::as_version(object, *resource->schema); };
}

// What clients of a deprecated version are told: its own words, or which one to use.
std::string deprecation_warning(const CustomResourceDefinition& definition, const CustomResourceDefinitionVersion& version) {
  if (version.has_deprecation_warning()) return version.deprecation_warning();
  const auto name = [&](const CustomResourceDefinitionVersion& one) {
    const api::GroupVersionKind kind = kind_of(definition, one);
    return kind.api_version() + " " + kind.kind;
  };
  const CustomResourceDefinitionVersion* best = nullptr;
  for (const auto& other : definition.spec().versions()) {
    if (!other.served() || other.deprecated()) continue;
    if (!best || api::is_newer_version(other.name(), best->name())) best = &other;
  }
  const bool newer = best && api::is_newer_version(best->name(), version.name());
  return name(version) + " is deprecated" + (newer ? "; use " + name(*best) : "");
}

std::shared_ptr<Served> served(const CustomResourceDefinition& definition, const CustomResourceDefinitionVersion& version) {
  auto out = std::make_shared<Served>();
  out->kept_resource = resource_of(definition, version);
  out->resource = out->kept_resource.get();
  out->qualified = qualified_resource(*out->resource);
  out->qualified_kind = qualified_kind(out->resource->kind);
  out->traits = kTraits;
  out->kept_rules = std::make_shared<CustomRules>(version, definition.metadata().has_deletion_timestamp());
  out->rules = out->kept_rules.get();
  out->listed = version.served();
  if (version.deprecated()) out->deprecation = deprecation_warning(definition, version);
  return out;
}

}  // namespace

std::string storage_prefix_of(const CustomResourceDefinition& definition) {
  return "/registry/" + definition.spec().group() + "/" + definition.spec().names().plural();
}

std::vector<std::shared_ptr<Served>> served_by(const CustomResourceDefinition& definition, const MakeConverter& make_converter) {
  const auto& versions = definition.spec().versions();
  const auto stores = std::ranges::find_if(versions, [](const auto& version) { return version.storage(); });
  PH_ASSERT(stores != versions.end());  // the rules of definitions ask for one
  const std::shared_ptr<Served> storage = served(definition, *stores);
  const bool outside = definition.spec().conversion().strategy() == "Webhook";
  if (may_differ(definition)) storage->to_shown = to_version(storage->kept_resource, outside);
  std::vector<std::shared_ptr<Served>> out{storage};
  std::vector<api::ResourceRef> all{storage->kept_resource};
  for (const CustomResourceDefinitionVersion& version : versions) {
    if (version.storage()) continue;
    auto other = served(definition, version);
    other->stored_as = storage;
    other->to_shown = to_version(other->kept_resource, outside);
    other->to_stored = to_version(storage->kept_resource, outside);
    all.push_back(other->kept_resource);
    if (version.served()) out.push_back(std::move(other));
  }
  if (!outside) return out;
  const std::shared_ptr<Converter> converter = make_converter(definition, std::move(all));
  for (const auto& each : out) each->converter = converter;
  return out;
}

}  // namespace ph::apiserver
