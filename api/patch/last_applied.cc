#include "api/patch/last_applied.h"

#include <nlohmann/json.hpp>

#include "api/json_text.h"
#include "api/patch/typed.h"
#include "api/sorted.h"

namespace ph::api {

using Json = nlohmann::json;

namespace {

constexpr const char* kAnnotation = "kubectl.kubernetes.io/last-applied-configuration";
constexpr std::size_t kAnnotationsMax = 256 * 1024;
// Of a text that anybody may have written there; what reads documents goes as deep as they are.
constexpr int kDepthMax = 512;

std::size_t size_of(const google::protobuf::Map<std::string, std::string>& annotations) {
  std::size_t out = 0;
  for (const auto& [name, value] : in_any_order(annotations)) out += name.size() + value.size();
  return out;
}

// The member of an object, if it has it.
Json* find(Json& object, const char* name) {
  const auto found = object.is_object() ? object.find(name) : object.end();
  return found == object.end() ? nullptr : &*found;
}

}  // namespace

FieldSet last_applied_fields(const Object& object, const Literal& live) {
  const auto& annotations = object.metadata().annotations();
  const auto found = annotations.find(kAnnotation);
  if (found == annotations.end() || !json_syntax_error(found->second, kDepthMax).empty()) return {};
  const Json said = Json::parse(found->second, nullptr, false);
  const Schema& schema = object.schema();
  if (!said.is_object() || !schema.kind || said.value("apiVersion", Json()) != schema.kind->api_version()) return {};
  const Literal literal(schema, said);
  if (!typed_error(literal, Repeats::Allowed).empty()) return {};
  FieldSet out = said_by(literal);
  const FieldChanges since = compare_fields(literal, live);
  out.remove(since.modified);
  out.remove(since.added);
  out.remove(since.removed);
  return out;
}

void renew_last_applied(Object& object, Json config) {
  const auto& had = object.metadata().annotations();
  const auto found = had.find(kAnnotation);
  if (found == had.end() || found->second.empty()) return;
  if (Json* metadata = find(config, "metadata")) {
    if (metadata->is_object()) metadata->erase("managedFields");
    Json* annotations = find(*metadata, "annotations");
    if (annotations && annotations->is_object()) annotations->erase(kAnnotation);
  }
  std::string text;
  append_compact_json(config.dump(-1, ' ', false, Json::error_handler_t::replace), true, text);
  auto& annotations = *object.mutable_metadata().mutable_annotations();
  annotations[kAnnotation] = text + "\n";
  if (size_of(annotations) > kAnnotationsMax) annotations.erase(kAnnotation);
}

}  // namespace ph::api
