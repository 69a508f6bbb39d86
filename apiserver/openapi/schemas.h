// Types as OpenAPI describes them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "api/schema.h"

namespace ph::apiserver {

enum class OpenApiVersion { V2, V3 };

// As x-kubernetes-group-version-kind says it.
nlohmann::json kind_json(const api::GroupVersionKind& kind);
// Says of a type, a member, a reference what it means.
void describe(nlohmann::json& value, std::string_view text, OpenApiVersion version);
// The member apiVersion or kind of an object.
nlohmann::json type_member(std::string_view name);

// The named types that documents refer to, with all they refer to themselves.
class SchemaCollection {
 public:
  // `of`: group and version of the document, of built-in kinds: kinds that every group has are told of this one alone. Nothing: of all.
  explicit SchemaCollection(OpenApiVersion version, std::optional<api::GroupVersionKind> of = {})
      : version_(version), of_(std::move(of)) {}

  // {"$ref": …} to the type, which is added with everything below it. The type must have a name, as the root of a custom kind
  // and its list have.
  nlohmann::json reference(const api::Schema& schema);
  // To what /version answers.
  nlohmann::json reference_to_version();
  // All that were referred to, by name.
  nlohmann::json definitions() const;

 private:
  nlohmann::json reference_to(const std::string& name) const;
  nlohmann::json kinds_of(const api::Schema& schema) const;
  void add(const api::Schema& schema);
  nlohmann::json named(const api::Schema& schema);
  nlohmann::json form(const api::Schema& schema);
  nlohmann::json structure(const api::Schema& schema);
  nlohmann::json value(const api::Schema& schema, const std::string& default_json, bool zero_default);
  nlohmann::json member(const api::Field& field);

  OpenApiVersion version_;
  std::optional<api::GroupVersionKind> of_;
  std::map<std::string, std::string> made_;  // JSON texts; empty while one is being made
};

}  // namespace ph::apiserver
