// CustomResourceDefinitions: the versions that have stored, and deletion that takes the objects with it. What they make of the
// server is in apiserver/extensions/.
#include <algorithm>

#include <fmt/format.h>

#include "api/kinds.h"
#include "api/structural/structural.h"
#include "api/times.h"
#include "apiserver/extensions/names.h"
#include "apiserver/registry/resource_rules.h"
#include "apiserver/server.h"

namespace ph::apiserver {
namespace {

constexpr std::string_view kNoRules =
    "validation rules in CEL are not carried out by this server; it stores them when it is started with --crd-ignore-cel";

void remember_storage(CustomResourceDefinition& definition) {
  auto& stored = *definition.mutable_status()->mutable_stored_versions();
  for (const auto& version : definition.spec().versions()) {
    if (version.storage() && std::ranges::find(stored, version.name()) == stored.end()) stored.Add(std::string(version.name()));
  }
}

class DefinitionRules final : public ResourceRules {
 public:
  explicit DefinitionRules(const ServerOptions& options) : ignore_cel_(options.crd_ignore_cel) {}

  void prepare_create(WriteContext&, api::Object& object) override { remember_storage(object.as<CustomResourceDefinition>()); }
  void prepare_update(WriteContext&, api::Object& object, const api::Object&) override {
    remember_storage(object.as<CustomResourceDefinition>());
  }

  void validate(const api::Object& object, api::Errors& errors) override {
    const auto& definition = object.as<CustomResourceDefinition>();
    if (ignore_cel_) return;
    for (int i = 0; i < definition.spec().versions_size(); ++i) {
      const api::Path path = api::Path("spec.versions").index(static_cast<std::size_t>(i)).member("schema");
      for (const std::string& rules :
           api::structural::rule_paths(definition.spec().versions(i).schema().open_api_v3_schema(), "openAPIV3Schema")) {
        errors.forbidden(path.member(rules), kNoRules);
      }
    }
  }

  // A delete takes the objects first: the definition stays until that is done.
  bool holds(const api::Object& object) override { return !object.metadata().has_deletion_timestamp(); }
  void mark_deleting(api::Object& object) override {
    auto& definition = object.as<CustomResourceDefinition>();
    auto& finalizers = *definition.mutable_metadata()->mutable_finalizers();
    if (std::ranges::find(finalizers, kCleanupFinalizer) == finalizers.end()) finalizers.Add(std::string(kCleanupFinalizer));
    set_condition(definition, "Terminating", true, "InstanceDeletionPending",
                  "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
                  api::to_time(definition.metadata().deletion_timestamp()));
  }

 protected:
  // A definition that is refused is not warned about.
  void before_commit(WriteContext& context, api::Object* object, const api::Object*) override {
    if (object != nullptr && context.subresource.empty()) warn(context, object->as<CustomResourceDefinition>());
  }

 private:
  void warn(WriteContext& context, const CustomResourceDefinition& definition) {
    for (const auto& version : definition.spec().versions()) {
      for (std::string& warning : api::structural::unrecognized_formats(version.schema().open_api_v3_schema())) {
        context.warnings.push_back(std::move(warning));
      }
      if (ignore_cel_ && !api::structural::rule_paths(version.schema().open_api_v3_schema(), "openAPIV3Schema").empty()) {
        context.warnings.push_back(
            fmt::format("the x-kubernetes-validations of version {} are stored and not carried out", version.name()));
      }
    }
  }

  bool ignore_cel_;
};

}  // namespace

std::unique_ptr<ResourceRules> custom_resource_definitions(const ServerOptions& options) {
  return std::make_unique<DefinitionRules>(options);
}

}  // namespace ph::apiserver
