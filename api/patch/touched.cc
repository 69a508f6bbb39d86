#include "api/patch/touched.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "api/patch/directives.h"
#include "api/value.h"

namespace ph::api {

using Json = nlohmann::json;

namespace {

// The member that a name in a patch is about: directives for a list name it after their slash.
const Field* field_of(const Schema& schema, std::string_view name) {
  for (const std::string_view directive : {kSetElementOrder, kDeleteFromPrimitives}) {
    if (name.starts_with(directive)) name.remove_prefix(directive.size());
  }
  return schema.field(name);
}

// Directives that are about members which the patch does not name.
bool reaches_further(const Json& patch) { return patch.contains(kPatch) || patch.contains(kRetainKeys); }

}  // namespace

Touched::Touched(const Schema& schema, const Json& patch) {
  if (!schema.descriptor || !patch.is_object() || reaches_further(patch)) return;
  everything_ = false;
  for (const auto& [name, value] : patch.items()) {
    const Field* field = field_of(schema, name);
    if (!field) continue;  // the reader of the result has something to say about it
    Member found = name == field->name ? member(*field, value) : Member{.field = field, .whole = true, .within = {}};
    const auto known = std::ranges::find(members_, field, &Member::field);
    if (known == members_.end()) {
      members_.push_back(std::move(found));
    } else {
      *known = {.field = field, .whole = true, .within = {}};
    }
  }
}

Touched::Member Touched::member(const Field& field, const Json& patch) {
  Member out{.field = &field, .whole = true, .within = {}};
  const bool replaced = std::ranges::find(field.patch_strategies, "replace") != field.patch_strategies.end();
  if (field.schema->type != Type::Struct || !patch.is_object() || replaced || reaches_further(patch)) return out;
  out.whole = false;
  for (const auto& [name, value] : patch.items()) {
    const Field* inner = field_of(*field.schema, name);
    if (inner && std::ranges::find(out.within, inner) == out.within.end()) out.within.push_back(inner);
  }
  return out;
}

void Touched::move(Object& from, Object& to) const {
  if (everything_) return std::swap(from, to);
  const Value source = from.value(), target = to.value();
  for (const Member& member : members_) {
    if (member.whole) {
      target.take_member(*member.field, source);
    } else {
      target.take_members(*member.field, member.within, source);
    }
  }
}

}  // namespace ph::api
