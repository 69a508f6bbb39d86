#include "apiserver/rest/body.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "api/errors.h"
#include "api/json_member.h"
#include "api/object_rules.h"
#include "api/structural/objects.h"
#include "api/yaml_duplicates.h"
#include "apiserver/rest/negotiate.h"

namespace ph::apiserver {
namespace {

using api::DecodeError;
using api::GroupVersionKind;

// As upstream's registry of types calls itself: its three servers have one each.
std::string_view scheme_of(const GroupVersionKind& expected) {
  if (expected.group == "apiextensions.k8s.io") return "pkg/apiserver/apiserver.go:55";
  if (expected.group == "apiregistration.k8s.io") return "pkg/apiserver/scheme/scheme.go:28";
  return "pkg/api/legacyscheme/scheme.go:30";
}

// The beginning of a body nobody understands, for the one who sent it.
std::string summary(std::string_view body) {
  if (body.empty()) return "<empty>";
  constexpr std::size_t kMax = 30;
  std::string out;
  for (const unsigned char c : body.substr(0, kMax)) out += fmt::format("{:02x}", c);
  if (body.size() > kMax) out += " ...";
  return out;
}

[[noreturn]] void unrecognized(const GroupVersionKind& expected, std::string_view body, std::string_view why) {
  throw api::bad_request(
      fmt::format("the object provided is unrecognized (must be of type {}): {} ({})", expected.kind, why, summary(body)));
}

[[noreturn]] void unusable(const GroupVersionKind& found, const GroupVersionKind& expected, std::string_view why) {
  throw api::bad_request(
      fmt::format("{} in version \"{}\" cannot be handled as a {}: {}", found.kind, found.version, expected.kind, why));
}

// As Go calls the package of a group's types within the server.
std::string_view internal_package(const GroupVersionKind& kind) {
  if (kind.group.empty() || kind.group == "events.k8s.io") return "core";
  return std::string_view(kind.group).substr(0, kind.group.find('.'));
}

template <class Read>
std::string why_unconvertible(const GroupVersionKind& found, const GroupVersionKind& expected, Read read) {
  const api::Schema* schema = api::Scheme::builtin().find(found);
  if (schema == nullptr) {
    return fmt::format("no kind \"{}\" is registered for version \"{}\" in scheme \"{}\"", found.kind, found.api_version(),
                       scheme_of(expected));
  }
  try {
    api::Object other = make_object(*schema);
    read(other);
  } catch (const DecodeError& error) {
    return error.what();
  }
  return fmt::format("converting ({}.{}) to ({}.{}): unknown conversion", found.version, found.kind, internal_package(expected),
                     expected.kind);
}

struct OldKinds {
  std::string_view group, version, kinds;
};
constexpr OldKinds kOldKinds[] = {
#define OLD_KINDS(group, version, kinds) {group, version, " " kinds " "},
#include "apiserver/rest/old_kinds.def"
#undef OLD_KINDS
};

// Upstream has a type of that name, served or not.
bool is_known(const GroupVersionKind& kind) {
  if (api::Scheme::builtin().find(kind) != nullptr) return true;
  return std::ranges::any_of(kOldKinds, [&](const OldKinds& old) {
    return old.group == kind.group && old.version == kind.version && old.kinds.find(" " + kind.kind + " ") != old.kinds.npos;
  });
}

// What is missing is what is expected.
GroupVersionKind completed(GroupVersionKind found, const GroupVersionKind& expected) {
  if (found.kind.empty()) found.kind = expected.kind;
  if (found.version.empty()) {
    found.group = expected.group;
    found.version = expected.version;
  }
  return found;
}

// Throws when what the text says it is does not go together with what is expected. `read`: reads it as what it says; what is
// wrong with it then is told first.
template <class Read>
void check_kind(GroupVersionKind found, const GroupVersionKind& expected, const GroupVersionKind* also, Read read) {
  found = completed(std::move(found), expected);
  if (also && found == *also) return;
  const bool other_version = found.group != expected.group || found.version != expected.version;
  if (!other_version && found.kind == expected.kind) return;
  if (other_version && is_known(found)) {
    throw api::bad_request(fmt::format("the API version in the data ({}) does not match the expected API version ({})",
                                       found.api_version(), expected.api_version()));
  }
  unusable(found, expected, why_unconvertible(found, expected, read));
}

template <class Decode>
void decode(const GroupVersionKind& expected, api::Unknown unknown, std::vector<std::string>& warnings, Decode decode_with) {
  api::DecodeOptions options;
  options.unknown = unknown;
  options.warnings = &warnings;
  try {
    decode_with(options);
  } catch (const DecodeError& error) {
    unusable(expected, expected, error.what());
  }
}

bool is_empty_list(std::string_view json) {
  return json.starts_with('[') && json.find_first_not_of(" \t\r\n", 1) == json.size() - 1;
}

struct Expected {
  const api::Schema& schema;
  const GroupVersionKind* also;
  const GroupVersionKind& kind() const { return *schema.kind; }
};

void read_json(std::string_view text, std::string_view original, const Expected& expected, api::Unknown unknown,
               std::vector<std::string>& warnings, api::Object& into) {
  GroupVersionKind found;
  try {
    found = api::type_of(text);
  } catch (const DecodeError& error) {
    unrecognized(expected.kind(), original, error.what());
  }
  check_kind(found, expected.kind(), expected.also, [&](api::Object& other) { api::decode_json(text, *other.message()); });
  decode(expected.kind(), unknown, warnings, [&](const api::DecodeOptions& options) {
    if (into.message()) {
      api::decode_json(text, *into.message(), options);
    } else {
      into = api::structural::read_object(expected.schema, text, options);
    }
  });
  if (is_empty_list(api::json_at(text, "metadata.managedFields").value_or(""))) into.mutable_metadata().add_managed_fields();
}

void read_yaml(const std::string& body, const Expected& expected, api::Unknown unknown, std::vector<std::string>& warnings,
               api::Object& into) {
  std::string json;
  try {
    json = api::yaml_body_to_json(body);
  } catch (const DecodeError& error) {
    unrecognized(expected.kind(), body, error.what());
  }
  if (json == "null") json = "{}";
  if (unknown == api::Unknown::Ignore) return read_json(json, body, expected, unknown, warnings, into);
  const std::vector<std::string> twice = api::yaml_duplicates(body);
  if (unknown == api::Unknown::Warn) warnings.insert(warnings.end(), twice.begin(), twice.end());
  if (unknown == api::Unknown::Warn || twice.empty()) return read_json(json, body, expected, unknown, warnings, into);
  // All of it is told: what stands twice, and then what is not known.
  std::vector<std::string> others;
  read_json(json, body, expected, api::Unknown::Warn, others, into);
  others.insert(others.begin(), fmt::format("yaml: unmarshal errors:\n  {}", fmt::join(twice, "\n  ")));
  unusable(expected.kind(), expected.kind(), fmt::format("strict decoding error: {}", fmt::join(others, ", ")));
}

void read_protobuf(const std::string& body, const Expected& expected, api::Object& into) {
  if (!into.message()) {
    throw api::unsupported_media_type(
        "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml");
  }
  try {
    check_kind(api::open_envelope(body).kind, expected.kind(), expected.also,
               [&](api::Object& other) { api::decode_envelope(body, *other.message()); });
    api::decode_envelope(body, *into.message());
  } catch (const DecodeError& error) {
    unrecognized(expected.kind(), body, error.what());
  }
}

}  // namespace

std::optional<GroupVersionKind> kind_of_body(const HttpRequest& request) {
  try {
    switch (body_format(request)) {
      case Format::Json: return api::type_of(request.body);
      case Format::Yaml: return api::type_of(api::yaml_body_to_json(request.body));
      case Format::Protobuf: return api::open_envelope(request.body).kind;
    }
  } catch (const DecodeError&) {
  }
  return std::nullopt;
}

api::Object read_body(const HttpRequest& request, const api::Schema& schema, api::Unknown unknown,
                      std::vector<std::string>& warnings, const GroupVersionKind* also) {
  api::Object object = make_object(schema);
  const Expected expected{schema, also};
  switch (body_format(request)) {
    case Format::Json: read_json(request.body, request.body, expected, unknown, warnings, object); break;
    case Format::Protobuf: read_protobuf(request.body, expected, object); break;
    case Format::Yaml: read_yaml(request.body, expected, unknown, warnings, object); break;
  }
  set_defaults(object);
  return object;
}

void note_emptied_managers(const nlohmann::json& document, api::Object& object) {
  const auto metadata = document.is_object() ? document.find("metadata") : document.end();
  if (metadata == document.end() || !metadata->is_object()) return;
  const auto managers = metadata->find("managedFields");
  if (managers != metadata->end() && managers->is_array() && managers->empty()) object.mutable_metadata().add_managed_fields();
}

std::string kind_error(const nlohmann::json& document, const api::Schema& schema) {
  const auto says = [&](const char* member, const std::string& wanted) {
    const auto found = document.find(member);
    return found != document.end() && *found == wanted;
  };
  if (document.is_object() && says("kind", schema.kind->kind) && says("apiVersion", schema.kind->api_version())) return {};
  const std::string text = document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  try {
    const GroupVersionKind found = completed(api::type_of(text), *schema.kind);
    if (found == *schema.kind) return {};
    return why_unconvertible(found, *schema.kind, [&](api::Object& other) { api::decode_json(text, *other.message()); });
  } catch (const DecodeError& error) {
    return error.what();
  }
}

}  // namespace ph::apiserver
