#include "apiserver/rest/encode.h"

#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/encoded.h"
#include "api/json_text.h"
#include "api/kinds.h"
#include "apiserver/rest/core.h"
#include "apiserver/rest/list_writer.h"
#include "apiserver/rest/wire.h"

namespace ph::apiserver {
namespace {

using meta::v1::ListMeta;
using meta::v1::PartialObjectMetadata;

api::Encoded encoded(const Encoding& encoding, const Entry& entry) { return {*encoding.resource->schema, *entry.protobuf}; }

// The object reduced to its metadata, as the message PartialObjectMetadata.
std::string partial_of(const Encoding& encoding, const Entry& entry) {
  std::string out, scratch;
  wire::append_bytes(1, encoded(encoding, entry).metadata(scratch), out);
  return out;
}

api::GroupVersionKind partial_kind(const Form& form) {
  api::GroupVersionKind kind = *api::schema_of<PartialObjectMetadata>().kind;
  if (form.beta) kind.version = "v1beta1";
  return kind;
}

// What was written from `begin` on is of the older version.
void make_beta(std::string& json, std::size_t begin) {
  static constexpr std::string_view kNow = R"("apiVersion":"meta.k8s.io/v1")", kThen = R"("apiVersion":"meta.k8s.io/v1beta1")";
  if (const auto at = json.find(kNow, begin); at != std::string::npos) json.replace(at, kNow.size(), kThen);
}

std::string protobuf_of(const Encoding& encoding, const Entry& entry) {
  if (encoding.form.as == As::Object) return *entry.protobuf;
  return wire::envelope(kind_of(encoding), partial_of(encoding, entry));
}

// Compact JSON as the form's text.
std::string dress(const Form& form, std::string json) {
  if (form.format == Format::Yaml) return api::json_to_yaml(api::parse_written(json));
  if (form.pretty) {
    std::string indented;
    indented.reserve(json.size() * 2);
    JsonIndenter().append(json, indented);
    json = std::move(indented);
  }
  json.push_back('\n');
  return json;
}

std::string table_of(const Encoding& encoding, std::span<const EntryRef> entries, const ListMeta& metadata) {
  std::string text = encoding.tables->table(*encoding.resource, entries, metadata, encoding.table);
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

ListMeta table_metadata(const Entry& entry) {
  ListMeta metadata;
  metadata.set_resource_version(to_string(entry.revision));
  return metadata;
}

std::string json_frame(EventType type, std::string_view object) {
  std::string out = R"({"type":")";
  out += event_name(type);
  out += R"(","object":)";
  out += object;
  out += "}\n";
  return out;
}

}  // namespace

api::GroupVersionKind kind_of(const Encoding& encoding) {
  return encoding.form.as == As::PartialMetadata ? partial_kind(encoding.form) : encoding.resource->kind;
}

void append_json(const Encoding& encoding, const Entry& entry, bool with_kind, std::string& out) {
  if (encoding.form.as == As::PartialMetadata) {
    const std::size_t begin = out.size();
    api::transcode_to_json(api::schema_of<PartialObjectMetadata>(), partial_of(encoding, entry), true, out);
    if (encoding.form.beta) make_beta(out, begin);
  } else {
    encoded(encoding, entry).append_json(with_kind, out);
  }
}

void append_protobuf(const Encoding& encoding, const Entry& entry, int field, std::string& out) {
  if (encoding.form.as == As::PartialMetadata) return wire::append_bytes(field, partial_of(encoding, entry), out);
  wire::append_bytes(field, encoded(encoding, entry).body(), out);
}

std::size_t protobuf_size(const Encoding& encoding, const Entry& entry) {
  const api::Encoded of = encoded(encoding, entry);
  if (encoding.form.as != As::PartialMetadata) return of.body().size();
  std::string scratch;
  return wire::size_of_bytes(1, of.metadata(scratch).size());
}

std::string encode_entry(const Encoding& encoding, const EntryRef& entry) {
  if (encoding.form.as == As::Table) {
    return dress(encoding.form, table_of(encoding, std::span(&entry, 1), table_metadata(*entry)));
  }
  if (encoding.form.format == Format::Protobuf) return protobuf_of(encoding, *entry);
  std::string json;
  json.reserve(entry->protobuf->size() * 2);
  append_json(encoding, *entry, true, json);
  return dress(encoding.form, std::move(json));
}

std::string encode_list(const Encoding& encoding, std::vector<EntryRef> entries, const ListMeta& metadata) {
  std::string out;
  ListWriter writer(encoding, std::move(entries), metadata);
  while (writer.append(out, out.max_size() / 4)) {
  }
  return encoding.form.format == Format::Yaml ? dress(encoding.form, std::move(out)) : out;
}

std::string encode_message(const Form& form, const Message& object) {
  if (form.format == Format::Protobuf) return api::encode_envelope(object);
  return dress(form, api::encode_json(object));
}

std::string encode_frame(const Encoding& encoding, EventType type, const EntryRef& entry) {
  if (encoding.form.as == As::Table) {
    return json_frame(type, table_of(encoding, std::span(&entry, 1), table_metadata(*entry)));
  }
  if (encoding.form.format == Format::Protobuf) {
    return wire::watch_frame(event_name(type), protobuf_of(encoding, *entry));
  }
  std::string json;
  json.reserve(entry->protobuf->size() * 2);
  append_json(encoding, *entry, true, json);
  return json_frame(type, json);
}

std::string encode_error_frame(const Form& form, const meta::v1::Status& status) {
  if (form.format == Format::Protobuf) {
    return wire::watch_frame(event_name(EventType::Error), api::encode_envelope(status));
  }
  return json_frame(EventType::Error, api::encode_json(status));
}

std::string encode_bookmark_frame(const Encoding& encoding, Revision revision, bool initial_end) {
  if (encoding.form.as == As::Table) {
    ListMeta metadata;
    metadata.set_resource_version(to_string(revision));
    return json_frame(EventType::Bookmark, table_of(encoding, {}, metadata));
  }
  api::Object object = encoding.form.as == As::PartialMetadata ? api::Object::of(PartialObjectMetadata())
                                                               : make_object(*encoding.resource->schema);
  meta::v1::ObjectMeta& metadata = object.mutable_metadata();
  metadata.set_resource_version(to_string(revision));
  if (initial_end) (*metadata.mutable_annotations())["k8s.io/initial-events-end"] = "true";
  if (encoding.form.format == Format::Protobuf) {
    return wire::watch_frame(event_name(EventType::Bookmark), api::encode_envelope(*object.message()));
  }
  return json_frame(EventType::Bookmark, api::encode_json(object));
}

void JsonIndenter::append(std::string_view compact, std::string& out) {
  bool in_text = false;
  const auto new_line = [&] {
    out.push_back('\n');
    out.append(static_cast<std::size_t>(depth_) * 2, ' ');
  };
  for (std::size_t i = 0; i < compact.size(); ++i) {
    const char c = compact[i];
    if (in_text) {
      out.push_back(c);
      if (c == '\\' && i + 1 < compact.size()) out.push_back(compact[++i]);
      if (c == '"') in_text = false;
      continue;
    }
    const bool closes_at_once = i + 1 < compact.size() && (compact[i + 1] == '}' || compact[i + 1] == ']');
    switch (c) {
      case '"':
        in_text = true;
        out.push_back(c);
        break;
      case '{':
      case '[':
        out.push_back(c);
        if (closes_at_once) {
          out.push_back(compact[++i]);
          break;
        }
        ++depth_;
        new_line();
        break;
      case '}':
      case ']':
        --depth_;
        new_line();
        out.push_back(c);
        break;
      case ',':
        out.push_back(c);
        new_line();
        break;
      case ':': out += ": "; break;
      default: out.push_back(c);
    }
  }
}

}  // namespace ph::apiserver
