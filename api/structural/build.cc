// A structural schema from its JSONSchemaProps.
#include <fmt/format.h>
#include <re2/re2.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/json_text.h"
#include "api/sorted.h"
#include "api/structural/formats.h"
#include "api/structural/node.h"

namespace ph::api::structural {

using apiextensions::v1::JSON;

namespace {

RE2::Options pattern_options() {
  RE2::Options options;
  options.set_log_errors(false);
  return options;
}

// A value within a schema. Raw bytes of a protobuf may be anything: what is no JSON, or too deep, is none.
Json value_of(const JSON& json) {
  if (json.raw().empty() || !json_syntax_error(json.raw(), DecodeOptions().depth_max).empty()) return {};
  Json out = Json::parse(mend_json(json.raw()), nullptr, false);
  return out.is_discarded() ? Json() : out;
}

std::vector<std::string> types_of(const JSONSchemaProps& props) {
  if (props.x_kubernetes_int_or_string()) return {"integer", "string"};
  if (props.type().empty()) return {};
  return {props.type()};
}

template <class Schemas>
std::vector<const Node*> all(Forest& forest, const Schemas& schemas) {
  std::vector<const Node*> out;
  for (const JSONSchemaProps& schema : schemas) out.push_back(forest.add(schema));
  return out;
}

// Go's names of what can be wrong with a pattern.
std::string_view go_name(RE2::ErrorCode code) {
  switch (code) {
    case RE2::ErrorBadEscape: return "invalid escape sequence";
    case RE2::ErrorBadCharClass: return "invalid character class";
    case RE2::ErrorBadCharRange: return "invalid character class range";
    case RE2::ErrorMissingBracket: return "missing closing ]";
    case RE2::ErrorMissingParen: return "missing closing )";
    case RE2::ErrorUnexpectedParen: return "unexpected )";
    case RE2::ErrorTrailingBackslash: return "trailing backslash at end of expression";
    case RE2::ErrorRepeatArgument: return "missing argument to repetition operator";
    case RE2::ErrorRepeatSize: return "invalid repeat count";
    case RE2::ErrorRepeatOp: return "invalid nested repetition operator";
    case RE2::ErrorBadPerlOp: return "invalid or unsupported Perl syntax";
    case RE2::ErrorBadUTF8: return "invalid UTF-8";
    case RE2::ErrorBadNamedCapture: return "invalid named capture";
    case RE2::ErrorPatternTooLarge: return "expression too large";
    default: return "regexp/syntax: internal error";
  }
}

}  // namespace

std::span<const std::string> Node::types() const {
  static const std::string kBoth[] = {"integer", "string"};
  if (int_or_string) return kBoth;
  return type.empty() ? std::span<const std::string>() : std::span(&type, 1);
}

const Demands& Node::demands() const {
  static const Demands none{};
  return own_demands ? *own_demands : none;
}

Forest::Forest() = default;
Forest::~Forest() = default;

const RE2* Forest::compiled(const std::string& pattern) {
  auto& regex = patterns[pattern];
  if (!regex) regex = std::make_unique<RE2>(pattern, pattern_options());
  return regex->ok() ? regex.get() : nullptr;
}

const Node* Forest::add(const JSONSchemaProps& props) {
  Node& node = nodes.emplace_back();
  node.type = props.type();
  node.nullable = props.nullable();
  node.int_or_string = props.x_kubernetes_int_or_string();
  node.embedded = props.x_kubernetes_embedded_resource();
  node.preserve_unknown = props.x_kubernetes_preserve_unknown_fields();
  node.properties.reserve(props.properties().size());
  for (const auto* property : sorted(props.properties())) node.properties.emplace_back(property->first, add(property->second));
  if (props.items().has_schema()) node.items = add(props.items().schema());
  if (props.has_additional_properties()) {
    const auto& additional = props.additional_properties();
    node.has_additional = true;
    node.allows_additional = additional.allows() || additional.has_schema();
    if (additional.has_schema()) node.additional = add(additional.schema());
  }
  // A default of null is none.
  if (Json value = value_of(props.default_()); !value.is_null())
    node.default_value = std::make_shared<const Json>(std::move(value));
  node.list_type = props.x_kubernetes_list_type();
  node.map_type = props.x_kubernetes_map_type();
  node.list_map_keys.assign(props.x_kubernetes_list_map_keys().begin(), props.x_kubernetes_list_map_keys().end());
  node.format = checked_format(types_of(props), props.format());
  node.required.assign(props.required().begin(), props.required().end());
  node.own_demands = demands_of(props);
  return &node;
}

std::unique_ptr<const Demands> Forest::demands_of(const JSONSchemaProps& props) {
  const bool none = !props.has_maximum() && !props.has_minimum() && !props.has_multiple_of() && !props.has_max_length() &&
                    !props.has_min_length() && !props.has_max_items() && !props.has_min_items() && !props.has_max_properties() &&
                    !props.has_min_properties() && !props.unique_items() && props.pattern().empty() && props.enum_().empty() &&
                    props.all_of().empty() && props.any_of().empty() && props.one_of().empty() && !props.has_not_();
  if (none) return nullptr;
  auto out = std::make_unique<Demands>();
  if (props.has_maximum()) out->maximum = props.maximum();
  if (props.has_minimum()) out->minimum = props.minimum();
  if (props.has_multiple_of()) out->multiple_of = props.multiple_of();
  out->exclusive_maximum = props.exclusive_maximum();
  out->exclusive_minimum = props.exclusive_minimum();
  if (props.has_max_length()) out->max_length = props.max_length();
  if (props.has_min_length()) out->min_length = props.min_length();
  if (props.has_max_items()) out->max_items = props.max_items();
  if (props.has_min_items()) out->min_items = props.min_items();
  if (props.has_max_properties()) out->max_properties = props.max_properties();
  if (props.has_min_properties()) out->min_properties = props.min_properties();
  out->unique_items = props.unique_items();
  out->pattern = props.pattern();
  if (!out->pattern.empty()) out->regex = compiled(out->pattern);
  for (const JSON& value : props.enum_()) out->enum_values.push_back(value_of(value));
  out->all_of = all(*this, props.all_of());
  out->any_of = all(*this, props.any_of());
  out->one_of = all(*this, props.one_of());
  if (props.has_not_()) out->not_ = add(props.not_());
  return out;
}

std::string pattern_error(std::string_view pattern) {
  const RE2 regex(re2::StringPiece(pattern.data(), pattern.size()), pattern_options());
  if (regex.ok()) return {};
  // Where a bracket or parenthesis is missing, Go shows the whole pattern.
  const bool whole = regex.error_code() == RE2::ErrorMissingParen || regex.error_code() == RE2::ErrorUnexpectedParen;
  const std::string shown = whole ? std::string(pattern) : regex.error_arg();
  return fmt::format("error parsing regexp: {}: `{}`", go_name(regex.error_code()), shown);
}

namespace {

// Calls `f(schema, path)` with a schema and all within it.
template <class F>
void for_each_schema(const JSONSchemaProps& schema, const std::string& path, F& f) {
  f(schema, path);
  for (const auto* property : sorted(schema.properties())) {
    for_each_schema(property->second, fmt::format("{}.properties[{}]", path, property->first), f);
  }
  if (schema.items().has_schema()) for_each_schema(schema.items().schema(), path + ".items", f);
  if (schema.additional_properties().has_schema())
    for_each_schema(schema.additional_properties().schema(), path + ".additionalProperties", f);
  const auto each = [&](const auto& schemas, std::string_view name) {
    for (int i = 0; i < schemas.size(); ++i) for_each_schema(schemas[i], fmt::format("{}.{}[{}]", path, name, i), f);
  };
  each(schema.all_of(), "allOf");
  each(schema.any_of(), "anyOf");
  each(schema.one_of(), "oneOf");
  if (schema.has_not_()) for_each_schema(schema.not_(), path + ".not", f);
}

}  // namespace

std::vector<std::string> unrecognized_formats(const JSONSchemaProps& schema) {
  std::vector<std::string> out;
  const auto look = [&out](const JSONSchemaProps& props, const std::string&) {
    if (props.format().empty() || !checked_format(types_of(props), props.format()).empty()) return;
    std::string warning = fmt::format("unrecognized format \"{}\"", props.format());
    if (std::ranges::find(out, warning) == out.end()) out.push_back(std::move(warning));
  };
  for_each_schema(schema, {}, look);
  return out;
}

std::vector<std::string> rule_paths(const JSONSchemaProps& schema, const std::string& path) {
  std::vector<std::string> out;
  const auto look = [&out](const JSONSchemaProps& props, const std::string& at) {
    if (!props.x_kubernetes_validations().empty()) out.push_back(at + ".x-kubernetes-validations");
  };
  for_each_schema(schema, path, look);
  return out;
}

}  // namespace ph::api::structural
