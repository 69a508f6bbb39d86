// An object's bytes as they are stored and served, and what can be read of them without building it: the envelope of a built-in
// kind's protobuf, or the JSON text of a custom one. The first bytes say which it is.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/object.h"

namespace ph::api {

// A view: schema and bytes outlive it. Reading damaged bytes throws DecodeError. Threads: any.
class Encoded {
 public:
  Encoded(const Schema& schema, std::string_view bytes);

  bool is_json() const { return json_; }
  // The message within the envelope, or the JSON text.
  std::string_view body() const { return body_; }

  // The metadata, as the bytes of an ObjectMeta: within the bytes, or made in `scratch`.
  std::string_view metadata(std::string& scratch) const;
  // Sorted by name.
  std::vector<std::pair<std::string_view, std::string_view>> labels() const;
  // A scalar by its dotted JSON path; zero values read as their text ("", "0", "false"). What is absent in JSON is "".
  std::string scalar_at(std::string_view dotted_path) const;
  // `with_kind`: begin with kind and apiVersion. JSON text is copied as it is, and has them always.
  void append_json(bool with_kind, std::string& out) const;

 private:
  const Schema& schema_;
  std::string_view body_;
  bool json_ = false;
};

// -- Objects as bytes

// As the store keeps it: protobuf in its envelope, or JSON with sorted members.
std::string encode_stored(const Object& object);
// Of stored or served bytes. Into a message: of its kind.
void decode_stored(std::string_view bytes, google::protobuf::Message& into);
Object decode_stored(const Schema& schema, std::string_view bytes);
// Stored bytes as they are served: metadata.resourceVersion is `revision`, everything else is copied.
std::string served_bytes(std::string_view stored, std::string_view revision);

std::string encode_json(const Object& object);
nlohmann::json to_json(const Object& object);
// The document must be an object; kind and apiVersion are not looked at. Nothing is pruned.
Object object_of_document(const Schema& schema, nlohmann::json document);

}  // namespace ph::api
