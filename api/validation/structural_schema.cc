// Structural schemas: the shape stands outside of allOf, anyOf, oneOf and not, which only say what values must fulfil
// (KEP: "Vanilla OpenAPI Subset: Structural Schema"). And that defaults are what their schemas ask for.
#include <nlohmann/json.hpp>

#include "api/sorted.h"
#include "api/structural/document.h"
#include "api/structural/tree.h"
#include "api/validation/definition_parts.h"

namespace ph::api {

namespace {

using structural::Json;
using structural::Node;

// What of a schema is about values alone.
bool is_int_or_string_choice(const google::protobuf::RepeatedPtrField<JSONSchemaProps>& schemas) {
  const auto only_type = [](const JSONSchemaProps& schema, std::string_view type) {
    JSONSchemaProps plain;
    plain.set_type(std::string(type));
    return same(schema, plain);
  };
  return schemas.size() == 2 && only_type(schemas[0], "integer") && only_type(schemas[1], "string");
}

class StructureChecker {
 public:
  explicit StructureChecker(Errors& errors) : errors_(errors) {}

  enum class Level { Root, Item, Field };

  void shape(const JSONSchemaProps& schema, Level level, const std::string& path) {
    if (schema.type() == "array" && !schema.items().has_schema()) required(path, "items", "must be specified");
    if (schema.items().has_schema()) shape(schema.items().schema(), Level::Item, below(path, "items"));
    for (const auto* property : sorted(schema.properties()))
      shape(property->second, Level::Field, at_key(below(path, "properties"), property->first));
    if (schema.has_additional_properties()) {
      if (level == Level::Root) forbidden(path, "additionalProperties", "must not be used at the root");
      if (schema.additional_properties().has_schema())
        shape(schema.additional_properties().schema(), Level::Field, below(path, "additionalProperties"));
    }
    if (schema.x_kubernetes_int_or_string()) {
      constexpr std::string_view kWhy = "must be false if x-kubernetes-int-or-string is true";
      if (schema.x_kubernetes_preserve_unknown_fields()) invalid(path, "x-kubernetes-preserve-unknown-fields", "true", kWhy);
      if (schema.x_kubernetes_embedded_resource()) invalid(path, "x-kubernetes-embedded-resource", "true", kWhy);
    }
    const bool choice = is_int_or_string_choice(schema.any_of());
    const bool first_choice = !schema.all_of().empty() && is_int_or_string_choice(schema.all_of(0).any_of());
    values(schema, choice, first_choice, path);
    type(schema, level, path);
    resource(schema, level, path);
  }

  // Whatever is said of values must be of something that the shape has. `schema` null: of what has none.
  void completeness(const JSONSchemaProps& schema, const std::string& path) {
    said(schema, &schema, path, path);
    if (schema.items().has_schema()) completeness(schema.items().schema(), below(path, "items"));
    for (const auto* property : sorted(schema.properties()))
      completeness(property->second, at_key(below(path, "properties"), property->first));
    if (schema.additional_properties().has_schema())
      completeness(schema.additional_properties().schema(), below(path, "additionalProperties"));
  }

 private:
  void required(const std::string& path, std::string_view member, std::string_view why) {
    const std::string here = below(path, member);
    errors_.required(Path(here), why);
  }
  void forbidden(const std::string& path, std::string_view member, std::string_view why) {
    const std::string here = below(path, member);
    errors_.forbidden(Path(here), why);
  }
  void invalid(const std::string& path, std::string_view member, std::string_view value, std::string_view why) {
    const std::string here = below(path, member);
    errors_.invalid(Path(here), value, why);
  }

  void type(const JSONSchemaProps& schema, Level level, const std::string& path) {
    if (schema.x_kubernetes_embedded_resource() && schema.type() != "object") {
      constexpr std::string_view kWhy = "must be object if x-kubernetes-embedded-resource is true";
      if (schema.type().empty()) required(path, "type", kWhy);
      else invalid(path, "type", quote(schema.type()), kWhy);
    } else if (schema.type().empty() && !schema.x_kubernetes_int_or_string() && !schema.x_kubernetes_preserve_unknown_fields()) {
      constexpr std::string_view kWhere[] = {"at the root", "for specified array items", "for specified object fields"};
      required(path, "type", fmt::format("must not be empty {}", kWhere[static_cast<int>(level)]));
    }
    if (schema.x_kubernetes_embedded_resource() && schema.has_additional_properties()) {
      forbidden(path, "additionalProperties", "must not be used if x-kubernetes-embedded-resource is set");
    }
    if (level == Level::Root && !schema.type().empty() && schema.type() != "object")
      invalid(path, "type", quote(schema.type()), "must be object at the root");
  }

  // What is known of metadata is not to be said again.
  void resource(const JSONSchemaProps& schema, Level level, const std::string& path) {
    const bool is_resource = level == Level::Root || schema.x_kubernetes_embedded_resource();
    const auto property = [&](const char* name) {
      const auto found = schema.properties().find(name);
      return found == schema.properties().end() ? nullptr : &found->second;
    };
    for (const char* name : {"kind", "apiVersion"}) {
      const JSONSchemaProps* found = property(name);
      if (is_resource && found && found->type() != "string")
        invalid(at_key(below(path, "properties"), name), "type", quote(found->type()), "must be string");
    }
    if (const JSONSchemaProps* found = property("metadata")) {
      const std::string here = at_key(below(path, "properties"), "metadata");
      if (is_resource && found->type() != "object") invalid(here, "type", quote(found->type()), "must be object");
      if (level == Level::Root && !says_names_only(*found)) {
        errors_.forbidden(Path(here),
                          "must not specify anything other than name and generateName, but metadata is implicitly specified");
      }
    }
    if (schema.x_kubernetes_embedded_resource() && !schema.x_kubernetes_preserve_unknown_fields() &&
        schema.properties().empty()) {
      required(path, "properties",
               "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields");
    }
  }

  static bool says_names_only(JSONSchemaProps metadata) {
    const auto& properties = metadata.properties();
    const bool names =
        std::ranges::all_of(properties, [](const auto& one) { return one.first == "name" || one.first == "generateName"; });
    if (names) metadata.clear_properties();
    metadata.clear_type();
    metadata.clear_default_();
    return same(metadata, JSONSchemaProps());
  }

  // -- What is said of values

  void values(const JSONSchemaProps& schema, bool skip_any_of, bool skip_first_all_of, const std::string& path) {
    if (!skip_any_of) nested_each(schema.any_of(), below(path, "anyOf"));
    for (int i = 0; i < schema.all_of_size(); ++i) {
      nested(schema.all_of(i), skip_first_all_of && i == 0, at_index(below(path, "allOf"), static_cast<std::size_t>(i)));
    }
    nested_each(schema.one_of(), below(path, "oneOf"));
    if (schema.has_not_()) nested(schema.not_(), false, below(path, "not"));
    if (const std::string why = structural::pattern_error(schema.pattern()); !why.empty()) {
      invalid(path, "pattern", quote(schema.pattern()), fmt::format("must be a valid regular expression, but isn't: {}", why));
    }
  }

  template <class Schemas>
  void nested_each(const Schemas& schemas, const std::string& path) {
    for (int i = 0; i < schemas.size(); ++i) nested(schemas[i], false, at_index(path, static_cast<std::size_t>(i)));
  }

  void nested(const JSONSchemaProps& schema, bool skip_any_of, const std::string& path) {
    values(schema, skip_any_of, false, path);
    if (schema.items().has_schema()) nested(schema.items().schema(), false, below(path, "items"));
    for (const auto* property : sorted(schema.properties()))
      nested(property->second, false, at_key(below(path, "properties"), property->first));
    const auto none = [&](bool there, std::string_view member, std::string_view what) {
      if (there) forbidden(path, member, fmt::format("must be {} to be structural", what));
    };
    none(!schema.type().empty(), "type", "empty");
    none(schema.has_additional_properties(), "additionalProperties", "undefined");
    none(schema.has_default_(), "default", "undefined");
    none(!schema.title().empty(), "title", "empty");
    none(!schema.description().empty(), "description", "empty");
    none(schema.nullable(), "nullable", "false");
    none(schema.has_external_docs(), "externalDocs", "undefined");
    none(schema.x_kubernetes_preserve_unknown_fields(), "x-kubernetes-preserve-unknown-fields", "false");
    none(schema.x_kubernetes_embedded_resource(), "x-kubernetes-embedded-resource", "false");
    none(schema.x_kubernetes_int_or_string(), "x-kubernetes-int-or-string", "false");
    none(!schema.x_kubernetes_list_map_keys().empty(), "x-kubernetes-list-map-keys", "empty");
    none(schema.has_x_kubernetes_list_type(), "x-kubernetes-list-type", "undefined");
    none(schema.has_x_kubernetes_map_type(), "x-kubernetes-map-type", "undefined");
    none(!schema.x_kubernetes_validations().empty(), "x-kubernetes-validations", "empty");
    if (schema.properties().contains("metadata")) {
      const std::string here = at_key(below(path, "properties"), "metadata");
      errors_.forbidden(Path(here), "must not be specified in a nested context");
    }
  }

  // -- Completeness

  void said(const JSONSchemaProps& values, const JSONSchemaProps* schema, const std::string& path, const std::string& said_at) {
    const auto each = [&](const auto& schemas, std::string_view member) {
      for (int i = 0; i < schemas.size(); ++i)
        nested_said(schemas[i], schema, path, at_index(below(said_at, member), static_cast<std::size_t>(i)));
    };
    each(values.all_of(), "allOf");
    each(values.any_of(), "anyOf");
    each(values.one_of(), "oneOf");
    if (values.has_not_()) nested_said(values.not_(), schema, path, below(said_at, "not"));
  }

  void nested_said(const JSONSchemaProps& values, const JSONSchemaProps* schema, const std::string& path,
                   const std::string& said_at) {
    if (!schema) return errors_.required(Path(path), fmt::format("because it is defined in {}", said_at));
    said(values, schema, path, said_at);
    if (values.items().has_schema()) {
      nested_said(values.items().schema(), schema->items().has_schema() ? &schema->items().schema() : nullptr,
                  below(path, "items"), below(said_at, "items"));
    }
    for (const auto* property : sorted(values.properties())) {
      const std::string& name = property->first;
      const auto found = schema->properties().find(name);
      nested_said(property->second, found == schema->properties().end() ? nullptr : &found->second,
                  at_key(below(path, "properties"), name), at_key(below(said_at, "properties"), name));
    }
  }

  Errors& errors_;
};

// -- Defaults

class DefaultsChecker {
 public:
  explicit DefaultsChecker(Errors& errors) : errors_(errors) {}

  // `resource`: the innermost one around, whose metadata `within` says how to reach.
  void check(const Node& node, bool resource, bool in_metadata, const std::string& path) {
    const bool is_resource = resource || node.embedded;
    if (is_resource) in_metadata = false;
    if (node.default_value) value(node, is_resource, in_metadata, below(path, "default"));
    if (node.additional) check(*node.additional, false, in_metadata, below(path, "additionalProperties"));
    if (node.items) check(*node.items, false, in_metadata, below(path, "items"));
    for (const auto& [name, property] : node.properties) {
      check(*property, false, in_metadata || (is_resource && name == "metadata"), at_key(below(path, "properties"), name));
    }
  }

 private:
  void value(const Node& node, bool resource, bool in_metadata, const std::string& path) {
    Json value = *node.default_value;
    if (!in_metadata) {
      structural::prune_value(value, node, resource);
      if (value != *node.default_value)
        errors_.invalid(Path(path), structural::value_text(*node.default_value), "must not have unknown fields");
      value = *node.default_value;
      if (!structural::coerce_value(value, node, path, errors_)) return;
      Errors embedded;
      structural::validate_embedded_value(value, node, path, resource, embedded);
      const bool fine = embedded.empty();
      errors_.take(std::move(embedded));
      if (!fine) return;
    }
    structural::validate_value(value, node, path, errors_);
  }

  Errors& errors_;
};

}  // namespace

void check_structural(const JSONSchemaProps& schema, const std::string& path, Errors& errors) {
  StructureChecker checker(errors);
  checker.shape(schema, StructureChecker::Level::Root, path);
  checker.completeness(schema, path);
}

void check_schema_defaults(const JSONSchemaProps& schema, const std::string& path, Errors& errors) {
  const auto built = structural::Structural::build(schema);
  DefaultsChecker(errors).check(built->root(), true, false, path);
}

std::string unstructural(const JSONSchemaProps& schema) {
  const auto unsupported = [](std::string_view what) { return fmt::format("OpenAPIV3Schema '{}' is not supported", what); };
  if (!schema.id().empty()) return unsupported("id");
  if (!schema.schema().empty()) return unsupported("schema");
  if (!schema.ref().empty()) return unsupported("$ref");
  if (schema.has_additional_items()) return unsupported("additionalItems");
  if (!schema.pattern_properties().empty()) return unsupported("patternProperties");
  if (!schema.definitions().empty()) return unsupported("definitions");
  if (!schema.dependencies().empty()) return unsupported("dependencies");
  if (!schema.items().json_schemas().empty()) return "OpenAPIV3Schema 'items' must be a schema, but is an array";
  std::string why;
  const auto look = [&why](const JSONSchemaProps& inner) {
    if (why.empty()) why = unstructural(inner);
  };
  for (const auto* property : sorted(schema.properties())) look(property->second);
  if (schema.items().has_schema()) look(schema.items().schema());
  if (schema.additional_properties().has_schema()) look(schema.additional_properties().schema());
  for (const auto* each : {&schema.all_of(), &schema.any_of(), &schema.one_of()}) std::ranges::for_each(*each, look);
  if (schema.has_not_()) look(schema.not_());
  return why;
}

}  // namespace ph::api
