// What a CustomResourceDefinition may say in a schema: the keywords of OpenAPI that Kubernetes has, and how its own go together.
#include <map>

#include <fmt/ranges.h>

#include "api/codec.h"
#include "api/validation/definition_parts.h"

namespace ph::api {

using apiextensions::v1::ValidationRule;

namespace {

// What goes on around a schema.
struct Context {
  bool root = false;
  bool in_metadata = false;                   // of a resource
  std::string_view no_defaults_because = {};  // where they are forbidden
  bool no_defaults = false;
};

// An optional text as upstream's messages show a pointer.
std::string pointer_json(bool there, const std::string& text) { return there ? quote(text) : "null"; }

bool has_line_break(std::string_view text) { return text.find_first_of("\n\r") != text.npos; }

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\n\v\f\r";
  const auto from = text.find_first_not_of(kSpace);
  return from == text.npos ? std::string_view() : text.substr(from, text.find_last_not_of(kSpace) - from + 1);
}

class SchemaChecker {
 public:
  explicit SchemaChecker(Errors& errors) : errors_(errors) {}

  void check(const JSONSchemaProps& schema, const std::string& path, const Context& context) {
    keywords(schema, path, context);
    if (schema.unique_items()) {
      errors_.forbidden(Path(below(path, "uniqueItems")),
                        "uniqueItems cannot be set to true since the runtime complexity becomes quadratic");
    }
    const auto& additional = schema.additional_properties();
    if (!schema.properties().empty() && schema.has_additional_properties() && (!additional.allows() || additional.has_schema())) {
      // Fields that are not known are ignored by Kubernetes' conventions, which this would contradict.
      const std::string here = below(path, "additionalProperties");
      errors_.forbidden(Path(here), "additionalProperties and properties are mutual exclusive");
    }
    descend(schema, path, context);
    extensions(schema, path);
    for (int i = 0; i < schema.x_kubernetes_validations_size(); ++i) {
      rule(schema.x_kubernetes_validations(i), at_index(below(path, "x-kubernetes-validations"), static_cast<std::size_t>(i)));
    }
  }

 private:
  void forbid(bool there, const std::string& path, std::string_view member, std::string_view why) {
    if (!there) return;
    const std::string here = below(path, member);
    errors_.forbidden(Path(here), why);
  }

  void keywords(const JSONSchemaProps& schema, const std::string& path, const Context& context) {
    const std::string type = below(path, "type");
    if (!schema.type().empty()) {
      check_one_of(schema.type(), {"array", "boolean", "integer", "number", "object", "string"}, Path(type), errors_);
    }
    if (context.no_defaults) {
      forbid(schema.has_default_(), path, "default",
             fmt::format("must not be set{}{}", context.no_defaults_because.empty() ? "" : " ", context.no_defaults_because));
    }
    forbid(!schema.id().empty(), path, "id", "id is not supported");
    forbid(schema.has_additional_items(), path, "additionalItems", "additionalItems is not supported");
    forbid(!schema.pattern_properties().empty(), path, "patternProperties", "patternProperties is not supported");
    forbid(!schema.definitions().empty(), path, "definitions", "definitions is not supported");
    forbid(!schema.dependencies().empty(), path, "dependencies", "dependencies is not supported");
    forbid(schema.has_ref(), path, "$ref", "$ref is not supported");
    forbid(schema.type() == "null", path, "type", "type cannot be set to null, use nullable as an alternative");
    forbid(!schema.items().json_schemas().empty(), path, "items", "items must be a schema object and not an array");
    forbid(context.in_metadata && schema.x_kubernetes_embedded_resource(), path, "x-kubernetes-embedded-resource",
           "must not be used inside of resource meta");
  }

  void descend(const JSONSchemaProps& schema, const std::string& path, const Context& context) {
    Context inner = context;
    inner.root = false;
    if (schema.additional_properties().has_schema()) {
      Context values = inner;
      if (context.in_metadata)
        values.no_defaults = true, values.no_defaults_because = "inside additionalProperties applying to object metadata";
      check(schema.additional_properties().schema(), below(path, "additionalProperties"), values);
    }
    for (const auto* property : sorted(schema.properties())) {
      Context value = inner;
      const bool meta = property->first == "metadata" || property->first == "apiVersion" || property->first == "kind";
      std::string reason;
      if (meta && (context.root || schema.x_kubernetes_embedded_resource())) {
        value.in_metadata = true;
        if (context.root) {
          reason = fmt::format("in top-level {}", property->first);
          value.no_defaults = true;
          value.no_defaults_because = reason;
        }
      }
      check(property->second, at_key(below(path, "properties"), property->first), value);
    }
    if (schema.has_not_()) check(schema.not_(), below(path, "not"), inner);
    each(schema.all_of(), below(path, "allOf"), inner);
    each(schema.one_of(), below(path, "oneOf"), inner);
    each(schema.any_of(), below(path, "anyOf"), inner);
    for (const auto* one : sorted(schema.definitions()))
      check(one->second, at_key(below(path, "definitions"), one->first), inner);
    if (schema.items().has_schema()) check(schema.items().schema(), below(path, "items"), inner);
    each(schema.items().json_schemas(), below(path, "items"), inner);
    for (const auto* one : sorted(schema.dependencies())) {
      if (one->second.has_schema()) check(one->second.schema(), at_key(below(path, "dependencies"), one->first), inner);
    }
  }

  template <class Schemas>
  void each(const Schemas& schemas, const std::string& path, const Context& context) {
    for (int i = 0; i < schemas.size(); ++i) check(schemas[i], at_index(path, static_cast<std::size_t>(i)), context);
  }

  void want_type(const JSONSchemaProps& schema, const std::string& path, std::string_view type, std::string_view keyword) {
    const std::string here = below(path, "type");
    const std::string why = fmt::format("must be {} if {} is specified", type, keyword);
    if (schema.type().empty()) errors_.required(Path(here), why);
    else if (schema.type() != type) errors_.invalid_text(Path(here), schema.type(), why);
  }

  void extensions(const JSONSchemaProps& schema, const std::string& path) {
    if (schema.has_x_kubernetes_preserve_unknown_fields() && !schema.x_kubernetes_preserve_unknown_fields()) {
      const std::string here = below(path, "x-kubernetes-preserve-unknown-fields");
      errors_.invalid(Path(here), "false", "must be true or undefined");
    }
    if (schema.has_x_kubernetes_map_type()) {
      const std::string here = below(path, "x-kubernetes-map-type");
      want_type(schema, path, "object", "x-kubernetes-map-type");
      check_one_of(schema.x_kubernetes_map_type(), {"atomic", "granular"}, Path(here), errors_);
    }
    list_type(schema, path);
  }

  void list_type(const JSONSchemaProps& schema, const std::string& path) {
    const bool given = schema.has_x_kubernetes_list_type();
    const std::string& kind = schema.x_kubernetes_list_type();
    const std::string here = below(path, "x-kubernetes-list-type"), keys = below(path, "x-kubernetes-list-map-keys"),
                      items = below(path, "items");
    if (given) {
      want_type(schema, path, "array", "x-kubernetes-list-type");
      if (schema.type() == "array" && kind == "set" && schema.items().has_schema()) set_items(schema.items().schema(), items);
      check_one_of(kind, {"atomic", "set", "map"}, Path(here), errors_);
    }
    if (!schema.x_kubernetes_list_map_keys().empty() && kind != "map") {
      constexpr std::string_view kWhy = "must be map if x-kubernetes-list-map-keys is non-empty";
      if (given) errors_.invalid_text(Path(here), kind, kWhy);
      else errors_.required(Path(here), kWhy);
    }
    if (kind == "map") {
      if (schema.x_kubernetes_list_map_keys().empty())
        errors_.required(Path(keys), "must not be empty if x-kubernetes-list-type is map");
      if (!schema.has_items()) errors_.required(Path(items), "must have a schema if x-kubernetes-list-type is map");
      else if (!schema.items().has_schema())
        errors_.invalid_message(Path(items), schema.items(), "must only have a single schema if x-kubernetes-list-type is map");
      else map_items(schema, path);
    }
    if ((kind == "map" || kind == "set") && schema.items().has_schema()) {
      const std::string nullable = below(items, "nullable");
      if (schema.items().schema().nullable())
        errors_.forbidden(Path(nullable), fmt::format("cannot be nullable when x-kubernetes-list-type is {}", kind));
      if (kind == "map") map_keys(schema, path);
    }
  }

  void set_items(const JSONSchemaProps& items, const std::string& path) {
    constexpr std::string_view kWhy = "must be atomic as item of a list with x-kubernetes-list-type=set";
    if (items.type() == "array" && items.has_x_kubernetes_list_type() && items.x_kubernetes_list_type() != "atomic") {
      const std::string here = below(path, "x-kubernetes-list-type");
      errors_.invalid_text(Path(here), items.x_kubernetes_list_type(), kWhy);
    }
    if (items.type() == "object" && items.x_kubernetes_map_type() != "atomic") {
      const std::string here = below(path, "x-kubernetes-map-type");
      errors_.invalid(Path(here), pointer_json(items.has_x_kubernetes_map_type(), items.x_kubernetes_map_type()), kWhy);
    }
  }

  void map_items(const JSONSchemaProps& schema, const std::string& path) {
    const JSONSchemaProps& items = schema.items().schema();
    const std::string here = below(path, "items"), keys = below(path, "x-kubernetes-list-map-keys");
    if (items.type() != "object") {
      const std::string type = below(here, "type");
      return errors_.invalid_text(Path(type), items.type(), "must be object if parent array's x-kubernetes-list-type is map");
    }
    std::set<std::string> seen;
    for (const std::string& key : schema.x_kubernetes_list_map_keys()) {
      const auto found = items.properties().find(key);
      if (found == items.properties().end()) {
        errors_.invalid(Path(keys), json_of(schema.x_kubernetes_list_map_keys()), "entries must all be names of item properties");
      } else if (found->second.type() == "array" || found->second.type() == "object") {
        const std::string type = below(at_key(below(here, "properties"), key), "type");
        errors_.invalid_text(Path(type), items.type(), "must be a scalar type if parent array's x-kubernetes-list-type is map");
      }
      if (!seen.insert(key).second)
        errors_.invalid(Path(keys), json_of(schema.x_kubernetes_list_map_keys()), "must not contain duplicate entries");
    }
  }

  // A key must be there: by demand or by default.
  void map_keys(const JSONSchemaProps& schema, const std::string& path) {
    const JSONSchemaProps& items = schema.items().schema();
    for (const std::string& key : schema.x_kubernetes_list_map_keys()) {
      const auto found = items.properties().find(key);
      if (found == items.properties().end()) continue;
      const std::string here = at_key(below(below(path, "items"), "properties"), key);
      const std::string at_default = below(here, "default"), nullable = below(here, "nullable");
      const bool required = std::ranges::find(items.required(), key) != items.required().end();
      if (!required && !found->second.has_default_()) {
        errors_.required(Path(at_default),
                         "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property");
      }
      if (found->second.nullable())
        errors_.forbidden(Path(nullable), "this property is in x-kubernetes-list-map-keys, so it cannot be nullable");
    }
  }

  // The form of a rule; what it says is for whoever can read CEL.
  void rule(const ValidationRule& rule, const std::string& path) {
    const std::string message = below(path, "message"), expression = below(path, "messageExpression"), text = below(path, "rule"),
                      reason = below(path, "reason"), field = below(path, "fieldPath");
    if (trimmed(rule.rule()).empty()) {
      errors_.required(Path(text), "rule is not specified");
    } else if (!rule.message().empty() && trimmed(rule.message()).empty()) {
      errors_.invalid_text(Path(message), rule.message(), "message must be non-empty if specified");
    } else if (has_line_break(trimmed(rule.message()))) {
      errors_.invalid_text(Path(message), rule.message(), "must not contain line breaks");
    } else if (has_line_break(trimmed(rule.rule())) && trimmed(rule.message()).empty()) {
      errors_.required(Path(message), "message must be specified if rule contains line breaks");
    }
    if (!rule.message_expression().empty() && trimmed(rule.message_expression()).empty()) {
      errors_.required(Path(expression), "messageExpression must be non-empty if specified");
    }
    if (rule.has_reason()) {
      check_one_of(rule.reason(), {"FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"},
                   Path(reason), errors_);
    }
    if (rule.field_path().empty()) return;
    if (trimmed(rule.field_path()).empty())
      errors_.invalid_text(Path(field), rule.field_path(), "fieldPath must be non-empty if specified");
    else if (has_line_break(rule.field_path()))
      errors_.invalid_text(Path(field), rule.field_path(), "fieldPath must not contain line breaks");
  }

  Errors& errors_;
};

// -- The root of a version whose status is a resource of its own

constexpr std::string_view kAllowedAtRoot =
    "[Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems "
    "MinItems UniqueItems "
    "MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations]";

bool has_more_than_allowed(const JSONSchemaProps& schema) {
  return !schema.id().empty() || !schema.schema().empty() || schema.has_ref() || schema.has_default_() ||
         !schema.enum_().empty() || schema.has_max_properties() || schema.has_min_properties() || !schema.all_of().empty() ||
         !schema.one_of().empty() || !schema.any_of().empty() || schema.has_not_() || schema.has_additional_properties() ||
         !schema.pattern_properties().empty() || !schema.dependencies().empty() || schema.has_additional_items() ||
         !schema.definitions().empty() || schema.nullable() || schema.x_kubernetes_embedded_resource() ||
         schema.x_kubernetes_int_or_string() || !schema.x_kubernetes_list_map_keys().empty() ||
         schema.has_x_kubernetes_list_type() || schema.has_x_kubernetes_map_type();
}

void check_root(const JSONSchemaProps& schema, const std::string& path, Errors& errors) {
  const std::string type = below(path, "type");
  // In the order in which the members stand, and only the first of them.
  const bool before_type = !schema.id().empty() || !schema.schema().empty() || schema.has_ref();
  if (!before_type && !schema.type().empty() && schema.type() != "object") {
    return errors.invalid_text(
        Path(type), schema.type(),
        R"(only "object" is allowed as the type at the root of the schema if the status subresource is enabled)");
  }
  if (!has_more_than_allowed(schema)) return;
  errors.invalid_message(
      Path(path), schema,
      fmt::format("only {} fields are allowed at the root of the schema if the status subresource is enabled", kAllowedAtRoot));
}

}  // namespace

void check_definition_schema(const JSONSchemaProps& schema, bool status, const std::string& path, Errors& errors) {
  if (status) check_root(schema, path, errors);
  if (schema.nullable()) {
    const std::string nullable = below(path, "nullable");
    errors.forbidden(Path(nullable), "nullable cannot be true at the root");
  }
  const std::string why = unstructural(schema);
  if (why.empty()) {
    Errors structure;
    check_structural(schema, path, structure);
    structure.sort();
    if (structure.empty()) check_schema_defaults(schema, path, errors);
    else errors.take(std::move(structure));
  }
  Errors keywords;
  SchemaChecker(keywords).check(schema, path, {.root = true});
  if (keywords.empty() && !why.empty()) errors.invalid_text(Path(path), "", why);
  errors.take(std::move(keywords));
}

}  // namespace ph::api
