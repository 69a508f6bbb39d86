// Bytes to objects and back: JSON, YAML and Kubernetes' protobuf envelope.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "api/schema.h"

namespace ph::api {

// Bytes that are not what they should be. `what()` is upstream's wording where upstream has one.
class DecodeError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// What is done about fields a kind does not have, and fields named twice (`fieldValidation`).
enum class Unknown { Ignore, Warn, Strict };

struct DecodeOptions {
  Unknown unknown = Unknown::Ignore;
  // Warn: the problems found, in order, e.g. `unknown field "spec.foo"`. Strict: they are thrown as one DecodeError
  // `strict decoding error: unknown field "spec.foo", …`.
  std::vector<std::string>* warnings = nullptr;
  int depth_max = 512;  // deeper nesting is refused; upstream's JSON decoder stops at 10,000
};

enum class JsonStyle { Compact, Pretty };

// -- JSON. `kind` and `apiVersion` of the text are not looked at: see `type_of`.
void decode_json(std::string_view text, google::protobuf::Message& into, const DecodeOptions& options = {});
std::string encode_json(const google::protobuf::Message& message, JsonStyle style = JsonStyle::Compact);
// From a document (after a patch, say) and to one.
void from_json(const nlohmann::json& document, google::protobuf::Message& into, const DecodeOptions& options = {});
nlohmann::json to_json(const google::protobuf::Message& message);

// -- Protobuf, in upstream's form: fields in ascending number, non-pointer scalars and messages always, maps sorted.
std::string encode_protobuf(const google::protobuf::Message& message);
// Unknown fields are dropped; throws DecodeError on damage.
void decode_protobuf(std::string_view bytes, google::protobuf::Message& into);
// With the magic and runtime.Unknown around it.
std::string encode_envelope(const google::protobuf::Message& message);
void decode_envelope(std::string_view bytes, google::protobuf::Message& into);
// The kind an envelope names, and the bytes of its message (a view into `bytes`).
struct Envelope {
  GroupVersionKind kind;
  std::string_view raw;
  std::string_view content_type;
};
Envelope open_envelope(std::string_view bytes);

// -- JSON straight from protobuf bytes, by tables, without building the object. Appends to `out`. `with_kind`: begin with
// kind and apiVersion (objects in lists leave them out). Objects that stand within another (volumeClaimTemplates of a StatefulSet) have
// none on the wire; a server shows theirs.
enum class Within : unsigned char { AsOnTheWire, AsServed };
void transcode_to_json(const Schema& schema, std::string_view protobuf, bool with_kind, std::string& out,
                       Within within = Within::AsOnTheWire);

// -- YAML: one document to JSON text (YAML 1.1 scalars as Kubernetes reads them; limits on depth, size and aliases).
// Throws DecodeError. JSON text passes unchanged in meaning.
std::string yaml_to_json(std::string_view text);
std::string json_to_yaml(const nlohmann::json& document);

// kind and apiVersion of a JSON text; empty where absent. Throws DecodeError when it is not an object.
GroupVersionKind type_of(std::string_view json);

// -- Stored and served bytes.
// An envelope with metadata.resourceVersion set to `revision`, everything else copied: how stored bytes become served ones.
std::string with_resource_version(std::string_view envelope, std::string_view revision);
// One string member of metadata or a scalar of the object by dotted JSON path (for field selectors), read from protobuf bytes
// of the bare message; zero values read as their text ("" , "0", "false"). Labels likewise, without building the object.
std::string scalar_at(const Schema& schema, std::string_view protobuf, std::string_view dotted_path);
std::vector<std::pair<std::string_view, std::string_view>> labels_of(std::string_view protobuf);
// The bytes of the metadata message within an object's bytes.
std::string_view metadata_bytes(std::string_view protobuf);

}  // namespace ph::api
