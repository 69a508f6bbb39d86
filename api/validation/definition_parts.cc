// Printer columns, sub-resources, selectable fields and conversion of a CustomResourceDefinition.
#include <map>
#include <set>

#include <fmt/ranges.h>

#include "api/json_text.h"
#include "api/validation/definition_parts.h"
#include "api/validation/webhooks.h"

namespace ph::api {

using apiextensions::v1::CustomResourceColumnDefinition;
using apiextensions::v1::CustomResourceConversion;
using apiextensions::v1::CustomResourceDefinitionVersion;
using apiextensions::v1::CustomResourceSubresources;
using apiextensions::v1::SelectableField;

namespace {

constexpr std::string_view kColumnTypes[] = {"boolean", "date", "integer", "number", "string"};
constexpr std::string_view kColumnFormats[] = {"byte", "date", "date-time", "double", "float", "int32", "int64", "password"};

// True: nothing is wrong.
bool check_simple_path(std::string_view text, const std::string& path, Errors& errors) {
  if (text.starts_with('.')) return true;
  errors.invalid_text(Path(path), text, "must be a simple json path starting with .");
  return false;
}

void check_scale_path(std::string_view text, bool required, std::initializer_list<std::string_view> roots, std::string_view where,
                      const std::string& path, Errors& errors) {
  if (text.empty()) {
    if (required) errors.required(Path(path));
    return;
  }
  if (!check_simple_path(text, path, errors)) return;
  if (std::ranges::any_of(roots, [&](std::string_view root) { return text.starts_with(root); })) return;
  errors.invalid_text(Path(path), text, fmt::format("should be a json path under {}", where));
}

// What Go's unicode.IsPrint refuses of what text can hold: controls, separators but the space, surrogates and private ones.
bool is_printable(char32_t c) {
  if (c < 0x20 || (c >= 0x7f && c <= 0xa0) || c == 0xad) return false;
  if (c == 0x1680 || (c >= 0x2000 && c <= 0x200f) || (c >= 0x2028 && c <= 0x202f) || (c >= 0x205f && c <= 0x206f) || c == 0x3000)
    return false;
  return !(c >= 0xd800 && c <= 0xf8ff) && c != 0xfeff && !(c >= 0xfff0 && c <= 0xfffb) && c < 0xe0000;
}

// The index of the first character that cannot be printed.
std::optional<std::size_t> unprintable(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    if (length == 0) return at;
    char32_t c = static_cast<unsigned char>(text[at]);
    if (length > 1) c &= 0xffu >> (length + 1);
    for (std::size_t i = 1; i < length; ++i) c = c << 6 | (static_cast<unsigned char>(text[at + i]) & 0x3fu);
    if (!is_printable(c)) return at;
    at += length;
  }
  return std::nullopt;
}

}  // namespace

void check_deprecation(const CustomResourceDefinitionVersion& version, const std::string& path, Errors& errors) {
  if (!version.has_deprecation_warning()) return;
  const std::string here = below(path, "deprecationWarning");
  const std::string& warning = version.deprecation_warning();
  const auto wrong = [&](std::string_view what) { errors.invalid_text(Path(here), warning, what); };
  if (!version.deprecated()) return wrong("can only be set for deprecated versions");
  if (warning.size() > 256) wrong("must be <= 256 characters long");
  if (warning.empty()) wrong("must not be an empty string");
  if (const auto at = unprintable(warning)) {
    wrong(fmt::format("must only contain printable UTF-8 characters; non-printable character found at index {}", *at));
  }
}

void check_subresources(const CustomResourceSubresources& subresources, const std::string& path, Errors& errors) {
  if (!subresources.has_scale()) return;
  const auto& scale = subresources.scale();
  const std::string here = below(path, "scale");
  check_scale_path(scale.spec_replicas_path(), true, {".spec."}, ".spec", below(here, "specReplicasPath"), errors);
  check_scale_path(scale.status_replicas_path(), true, {".status."}, ".status", below(here, "statusReplicasPath"), errors);
  check_scale_path(scale.label_selector_path(), false, {".spec.", ".status."}, "either .spec or .status",
                   below(here, "labelSelectorPath"), errors);
}

void check_printer_column(const CustomResourceColumnDefinition& column, const std::string& path, Errors& errors) {
  const std::string name = below(path, "name"), type = below(path, "type"), format = below(path, "format"),
                    json_path = below(path, "JSONPath");
  if (column.name().empty()) errors.required(Path(name));
  const std::string types = fmt::format("must be one of {}", fmt::join(kColumnTypes, ","));
  if (column.type().empty()) errors.required(Path(type), types);
  else if (std::ranges::find(kColumnTypes, column.type()) == std::end(kColumnTypes))
    errors.invalid_text(Path(type), column.type(), types);
  if (!column.format().empty() && std::ranges::find(kColumnFormats, column.format()) == std::end(kColumnFormats)) {
    errors.invalid_text(Path(format), column.format(), fmt::format("must be one of {}", fmt::join(kColumnFormats, ",")));
  }
  if (column.json_path().empty()) errors.required(Path(json_path));
  else check_simple_path(column.json_path(), json_path, errors);
}

// -- Selectable fields

namespace {

struct FieldAt {
  const JSONSchemaProps* schema = nullptr;
  std::string path;  // canonical
  std::string error;
};

// Follows `.spec.name` through a schema's properties.
FieldAt field_at(const JSONSchemaProps& schema, std::string_view text) {
  FieldAt out{.schema = &schema, .path = {}, .error = {}};
  const auto token = [&text] {
    constexpr std::string_view kSigns = ".[]";
    const std::size_t length = kSigns.find(text[0]) != kSigns.npos ? 1 : std::min(text.find_first_of(kSigns), text.size());
    const std::string_view out = text.substr(0, length);
    text.remove_prefix(length);
    return out;
  };
  while (!text.empty()) {
    const std::string_view sign = token();
    if (sign == "[") return {nullptr, {}, "array notation is not allowed"};
    if (sign != ".") return {nullptr, {}, fmt::format("expected [ or . but got: {}", sign)};
    if (text.empty()) return {nullptr, {}, "unexpected end of JSON path"};
    const std::string_view name = token();
    const auto found = out.schema->properties().find(std::string(name));
    if (found == out.schema->properties().end()) return {nullptr, {}, "does not refer to a valid field"};
    out.schema = &found->second;
    out.path.append(out.path.empty() ? "" : ".").append(name);
  }
  return out;
}

bool is_selectable(const JSONSchemaProps& schema) {
  return schema.type() == "string" || schema.type() == "integer" || schema.type() == "boolean";
}

}  // namespace

void check_selectable_fields(const google::protobuf::RepeatedPtrField<SelectableField>& fields, const JSONSchemaProps& schema,
                             const std::string& path, Errors& errors) {
  constexpr std::size_t kMax = 8;
  std::set<std::string> seen;
  if (const std::string why = unstructural(schema); !why.empty()) errors.invalid_text(Path(path), "", why);
  for (int i = 0; i < fields.size(); ++i) {
    const std::string here = below(at_index(path, static_cast<std::size_t>(i)), "jsonPath");
    const std::string& text = fields[i].json_path();
    if (text.empty()) {
      errors.required(Path(here));
      continue;
    }
    const FieldAt field = field_at(schema, text);
    if (!field.error.empty()) {
      errors.invalid_text(Path(here), text, fmt::format("is an invalid path: {}", field.error));
      continue;
    }
    if (field.path == "metadata" || field.path.starts_with("metadata."))
      errors.invalid_text(Path(here), text, "must not point to fields in metadata");
    if (!is_selectable(*field.schema)) {
      errors.invalid_text(
          Path(here), text,
          "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.");
    }
    if (!seen.insert(field.path).second) errors.duplicate(Path(here), text);
  }
  if (seen.size() > kMax) errors.too_many(Path(path), seen.size(), kMax);
}

// -- Conversion

namespace {

void check_webhook_service(const apiextensions::v1::ServiceReference& service, const std::string& path, Errors& errors) {
  const std::string name = below(path, "name"), space = below(path, "namespace"), port = below(path, "port");
  if (service.name().empty()) errors.required(Path(name), "service name is required");
  if (service.namespace_().empty()) errors.required(Path(space), "service namespace is required");
  check_webhook_port(service.port(), Path(port), errors);
  check_webhook_path(service.path(), Path(path).member("path"), errors);
}

}  // namespace

void check_conversion(const CustomResourceConversion& conversion, const std::string& path, Errors& errors) {
  const std::string strategy = below(path, "strategy"), config = below(path, "webhookClientConfig"),
                    versions = below(path, "conversionReviewVersions");
  if (conversion.strategy().empty()) errors.required(Path(strategy));
  else check_one_of(conversion.strategy(), {"None", "Webhook"}, Path(strategy), errors);
  const auto& webhook = conversion.webhook();
  if (conversion.strategy() != "Webhook") {
    constexpr std::string_view kOnly = "should not be set when strategy is not set to Webhook";
    if (webhook.has_client_config()) errors.forbidden(Path(config), kOnly);
    if (!webhook.conversion_review_versions().empty()) errors.forbidden(Path(versions), kOnly);
    return;
  }
  const auto& client = webhook.client_config();
  if (!webhook.has_client_config()) {
    errors.required(Path(config), "required when strategy is set to Webhook");
  } else if (client.has_url() == client.has_service()) {
    errors.required(Path(config), "exactly one of url or service is required");
  } else if (client.has_url()) {
    check_webhook_url(client.url(), Path(config).member("url"), errors);
  } else {
    check_webhook_service(client.service(), below(config, "service"), errors);
  }
  if (webhook.conversion_review_versions().empty()) errors.required(Path(versions));
  else check_review_versions(webhook.conversion_review_versions(), Path(versions), errors);
}

}  // namespace ph::api
