// Printer columns, sub-resources, selectable fields and conversion of a CustomResourceDefinition.
#include <map>
#include <set>

#include <fmt/ranges.h>

#include "api/json_text.h"
#include "api/validation/definition_parts.h"

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

// Scheme, host and the rest of a URL, as far as Go's parser would get.
struct Url {
  std::string scheme, user, host, query, fragment;
};

std::optional<Url> parsed_url(std::string_view text, std::string& why) {
  const std::string whole = quote(text);
  Url out;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      return why = fmt::format("parse {}: net/url: invalid control character in URL", whole), std::nullopt;
  }
  if (const auto hash = text.find('#'); hash != text.npos) {
    out.fragment = text.substr(hash + 1);
    text = text.substr(0, hash);
  }
  const auto colon = text.find(':');
  const auto slash = text.find_first_of("/?");
  if (colon == 0) return why = fmt::format("parse {}: missing protocol scheme", whole), std::nullopt;
  if (colon != text.npos && (slash == text.npos || colon < slash)) {
    const std::string_view scheme = text.substr(0, colon);
    const auto plain = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '+' || c == '-' || c == '.'; };
    if (!std::isalpha(static_cast<unsigned char>(scheme[0])) || !std::ranges::all_of(scheme, plain)) {
      return why = fmt::format("parse {}: first path segment in URL cannot contain colon", whole), std::nullopt;
    }
    for (const char c : scheme) out.scheme += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    text.remove_prefix(colon + 1);
  }
  if (const auto mark = text.find('?'); mark != text.npos) {
    out.query = text.substr(mark + 1);
    text = text.substr(0, mark);
  }
  if (text.starts_with("//")) {
    std::string_view authority = text.substr(2, text.find('/', 2) == text.npos ? text.npos : text.find('/', 2) - 2);
    if (const auto at = authority.rfind('@'); at != authority.npos) {
      out.user = authority.substr(0, at);
      authority.remove_prefix(at + 1);
    }
    out.host = authority;
  }
  return out;
}

void check_webhook_url(const std::string& text, const std::string& path, Errors& errors) {
  constexpr std::string_view kForm = "; desired format: https://host[/path]";
  std::string why;
  const auto url = parsed_url(text, why);
  if (!url) return errors.required(Path(path), fmt::format("url must be a valid URL: {}{}", why, kForm));
  if (url->scheme != "https")
    errors.invalid_text(Path(path), url->scheme, fmt::format("'https' is the only allowed URL scheme{}", kForm));
  if (url->host.empty()) errors.invalid_text(Path(path), url->host, fmt::format("host must be specified{}", kForm));
  if (!url->user.empty()) errors.invalid_text(Path(path), url->user, "user information is not permitted in the URL");
  if (!url->fragment.empty()) errors.invalid_text(Path(path), url->fragment, "fragments are not permitted in the URL");
  if (!url->query.empty()) errors.invalid_text(Path(path), url->query, "query parameters are not permitted in the URL");
}

void check_webhook_path(const std::string& text, const std::string& path, Errors& errors) {
  if (text.empty() || text == "/") return;
  if (text == "//") return errors.invalid_text(Path(path), text, "segment[0] may not be empty");
  if (!text.starts_with('/')) errors.invalid_text(Path(path), text, "must start with a '/'");
  std::string_view rest = std::string_view(text).substr(1);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  for (std::size_t i = 0;; ++i) {
    const auto slash = std::min(rest.find('/'), rest.size());
    const std::string_view segment = rest.substr(0, slash);
    if (segment.empty()) errors.invalid_text(Path(path), text, fmt::format("segment[{}] may not be empty", i));
    else
      for (const std::string& what : check_dns1123_subdomain(segment))
        errors.invalid_text(Path(path), text, fmt::format("segment[{}]: {}", i, what));
    if (slash == rest.size()) return;
    rest.remove_prefix(slash + 1);
  }
}

void check_webhook_service(const apiextensions::v1::ServiceReference& service, const std::string& path, Errors& errors) {
  const std::string name = below(path, "name"), space = below(path, "namespace"), port = below(path, "port");
  if (service.name().empty()) errors.required(Path(name), "service name is required");
  if (service.namespace_().empty()) errors.required(Path(space), "service namespace is required");
  if (const auto complaints = check_port_number(service.port()); !complaints.empty()) {
    errors.invalid(Path(port), service.port(), fmt::format("port is not valid: {}", fmt::join(complaints, ", ")));
  }
  check_webhook_path(service.path(), below(path, "path"), errors);
}

void check_review_versions(const google::protobuf::RepeatedPtrField<std::string>& versions, const std::string& path,
                           Errors& errors) {
  if (versions.empty()) return errors.required(Path(path));
  std::set<std::string> seen;
  bool known = false;
  for (int i = 0; i < versions.size(); ++i) {
    const std::string here = at_index(path, static_cast<std::size_t>(i));
    known = known || versions[i] == "v1" || versions[i] == "v1beta1";
    if (!seen.insert(versions[i]).second) errors.invalid_text(Path(here), versions[i], "duplicate version");
    else errors.invalid_each(Path(here), versions[i], check_dns1035_label(versions[i]));
  }
  if (!known) errors.invalid(Path(path), json_of(versions), "must include at least one of v1, v1beta1");
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
    check_webhook_url(client.url(), below(config, "url"), errors);
  } else {
    check_webhook_service(client.service(), below(config, "service"), errors);
  }
  check_review_versions(webhook.conversion_review_versions(), versions, errors);
}

}  // namespace ph::api
