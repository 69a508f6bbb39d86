// Any patch on any object: three lines, of which the first names the kind of patch and of object by its first two bytes, the
// second is the object's JSON, the rest the patch. Refused in one of the ways the server knows, or the result reads as the
// object's kind (or is refused as a body would be).
//
//   merge      the same patch twice is the patch once; an empty one changes nothing; nulls never stay
//   JSON       `test` of what is there holds; an empty one changes nothing
//   strategic  without directives and lists it is a merge patch; an empty one changes nothing
#include <google/protobuf/message.h>
#include <nlohmann/json.hpp>

#include "api/encoded.h"
#include "api/errors.h"
#include "api/kinds.h"
#include "api/patch/managed_fields.h"
#include "api/patch/patch.h"
#include "base/assert.h"
#include "tests/fuzz/bytes.h"
#include "tests/fuzz/fuzzers.h"

namespace ph::fuzz {
namespace {

using namespace ph::api;
using Json = nlohmann::json;

const Schema& schema_for(std::uint8_t which) {
  static const Schema* const kSchemas[] = {
      &schema_of<core::v1::Pod>(),      &schema_of<apps::v1::Deployment>(), &schema_of<core::v1::Service>(),
      &schema_of<core::v1::Node>(),     &schema_of<core::v1::ConfigMap>(),  &schema_of<core::v1::ServiceAccount>(),
      &schema_of<batch::v1::CronJob>(),
  };
  return *kSchemas[which % std::size(kSchemas)];
}

// As the server reads what a patch has made of an object. Null: refused.
std::unique_ptr<google::protobuf::Message> read(const Schema& schema, const Json& document) {
  auto object = Scheme::builtin().make(schema);
  std::vector<std::string> warnings;
  try {
    from_json(document, *object, {.unknown = Unknown::Warn, .warnings = &warnings});
  } catch (const DecodeError&) {
    return nullptr;
  }
  return object;
}

// Runs one patch; nothing when it is refused.
template <class F>
std::optional<Json> attempt(F apply) {
  try {
    return apply();
  } catch (const DecodeError&) {
  } catch (const ApplyError&) {
  } catch (const MergeError&) {
  } catch (const ApiError&) {
  }
  return std::nullopt;
}

bool holds_null(const Json& value) {
  return value.is_null() || (value.is_structured() && std::ranges::any_of(value, holds_null));
}

bool holds_lists_or_directives(const Json& value) {
  if (value.is_array()) return true;
  if (!value.is_object()) return false;
  for (const auto& [name, member] : value.items()) {
    if (name.starts_with('$') || holds_lists_or_directives(member)) return true;
  }
  return false;
}

void check_merge(const Json& document, const Json& patch, const Json& result) {
  PH_ASSERT(merge_patch(result, patch) == result);
  PH_ASSERT(merge_patch(document, Json::object()) == document);
  if (!holds_null(document)) PH_ASSERT(!holds_null(result) || holds_lists_or_directives(patch));
}

void check_json(const Json& document) {
  PH_ASSERT(json_patch(document, Json::array()) == document);
  for (const auto& [name, value] : document.items()) {
    std::string path = "/";
    for (const char c : name) path += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
    json_patch(document, Json::array({{{"op", "test"}, {"path", path}, {"value", value}}}));
  }
}

// Struct members that are replaced as a whole make the difference that remains.
bool may_replace(const Schema& schema, const Json& patch) {
  for (const auto& [name, member] : patch.items()) {
    const Field* field = schema.type == Type::Struct ? schema.field(name) : nullptr;
    if (!field) continue;
    if (std::ranges::find(field->patch_strategies, "replace") != field->patch_strategies.end()) return true;
    if (member.is_object() && may_replace(*field->schema, member)) return true;
  }
  return false;
}

void check_strategic(const Schema& schema, const Json& document, const Json& patch, const Json& result) {
  PH_ASSERT(strategic_merge_patch(schema, document, Json::object()) == document);
  if (holds_lists_or_directives(patch) || may_replace(schema, patch)) return;
  PH_ASSERT(result == merge_patch(document, patch));
}

}  // namespace

void patch(std::string_view input) {
  Bytes bytes(input);
  Bytes choice(bytes.until('\n'));
  const std::uint8_t type = choice.byte();
  const Schema& schema = schema_for(choice.byte());
  auto base = read(schema, Json::parse(bytes.until('\n'), nullptr, false));
  const Json patch = Json::parse(bytes.rest(), nullptr, false);
  if (!base || patch.is_discarded()) return;
  const Json document = to_json(*base);

  std::optional<Json> result;
  switch (type % 3) {
    case 0:
      result = attempt([&] { return merge_patch(document, patch); });
      PH_ASSERT(result.has_value() == patch.is_object());
      if (result) check_merge(document, patch, *result);
      break;
    case 1:
      result = attempt([&] { return json_patch(document, patch); });
      check_json(document);
      break;
    case 2:
      result = attempt([&] { return strategic_merge_patch(schema, document, patch); });
      if (result) check_strategic(schema, document, patch, *result);
      break;
  }
  if (!result) return;
  auto changed = result->is_object() ? read(schema, *result) : nullptr;
  if (!changed) return;
  // Who changed what is recorded of every patched object.
  const Manager manager{.name = "fuzz", .operation = "Update", .subresource = {}};
  Object object(std::move(changed));
  const Object old(std::move(base));
  record_update(object, &old, manager, Time());
  PH_ASSERT(to_json(decode_stored(schema, encode_stored(object))) == to_json(object));
}

}  // namespace ph::fuzz
