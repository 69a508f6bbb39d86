// Strategic merge patch: lists of objects are merged by a key, lists of values as sets, where the schema says so.
//
// A patch may carry directives:
//   {"$patch": "delete" | "replace", …}      in an object: empty it, or take the patch instead of merging; in an item of a
//                                            merged list: drop the item with this key, or take the patch's items alone
//   "$retainKeys": [names]                   members of the object that are not named go
//   "$setElementOrder/<list>": [keys]        the order of the merged list's items
//   "$deleteFromPrimitiveList/<list>": […]   values that go from a merged list
#include <algorithm>
#include <optional>
#include <set>
#include <tuple>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/patch/patch.h"

namespace ph::api {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kPatch = "$patch";
constexpr std::string_view kRetainKeys = "$retainKeys";
constexpr std::string_view kSetElementOrder = "$setElementOrder/";
constexpr std::string_view kDeleteFromPrimitives = "$deleteFromPrimitiveList/";

// How one member is merged.
struct Rule {
  const Schema* schema = nullptr;  // of the member's value; null: unknown
  bool merge_list = false;
  bool replace = false;
  std::string merge_key;
};

Rule rule_of(const Schema* schema, const std::string& name) {
  if (!schema) return {};
  if (schema->type == Type::Map) return {.schema = schema->element};
  if (schema->type != Type::Struct) return {};
  const Field* field = schema->field(name);
  if (!field) return {};
  const auto has = [&](std::string_view strategy) {
    return std::ranges::find(field->patch_strategies, strategy) != field->patch_strategies.end();
  };
  return {.schema = field->schema, .merge_list = has("merge"), .replace = has("replace"), .merge_key = field->patch_merge_key};
}

const Schema* element_of(const Rule& rule) { return rule.schema ? rule.schema->element : nullptr; }

Json merge_objects(const Schema* schema, Json original, Json patch);

[[noreturn]] void bad_patch_type(const Json& type, const Json& where) {
  throw DecodeError(fmt::format("unknown patch type: {} in map: {}", type.is_string() ? type.get<std::string>() : type.dump(), where.dump()));
}

const Json& key_of(const Json& item, const std::string& merge_key) {
  const auto found = item.is_object() ? item.find(merge_key) : item.end();
  if (!item.is_object() || found == item.end()) {
    throw ApplyError(fmt::format("map: {} does not contain declared merge key: {}", item.dump(), merge_key));
  }
  return *found;
}

// Where in `list` the item is that has the identity of `item`: its merge key, or itself.
std::optional<std::size_t> index_of(const Json& list, const Json& item, const std::string& merge_key) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    const bool same = merge_key.empty() ? list[i] == item : list[i].is_object() && list[i].contains(merge_key) && list[i][merge_key] == key_of(item, merge_key);
    if (same) return i;
  }
  return std::nullopt;
}

// Orders merged items: those of `patch_order` as it says, the others as they were, and the two woven together by where they
// stood in `server_order`.
Json ordered(const Json& merged, const Json& patch_order, const Json& server_order, const std::string& merge_key) {
  struct Ranked {
    std::size_t rank;
    const Json* item;
  };
  std::vector<Ranked> patched, others;
  for (const Json& item : merged) {
    if (const auto at = index_of(patch_order, item, merge_key)) {
      patched.push_back({*at, &item});
    } else {
      others.push_back({index_of(server_order, item, merge_key).value_or(server_order.size()), &item});
    }
  }
  // Items of one rank stay as they are: they lie in one array.
  const auto before = [](const Ranked& a, const Ranked& b) { return std::tie(a.rank, a.item) < std::tie(b.rank, b.item); };
  std::ranges::sort(patched, before);
  std::ranges::sort(others, before);

  Json out = Json::array();
  auto other = others.begin();
  for (const Ranked& next : patched) {
    const auto stood = index_of(server_order, *next.item, merge_key);
    while (other != others.end() && stood && other->rank < *stood) out.push_back(*other++->item);
    out.push_back(*next.item);
  }
  while (other != others.end()) out.push_back(*other++->item);
  return out;
}

// Of values: the union, each once.
Json merge_values(const Json& original, const Json& patch) {
  Json out = Json::array();
  for (const Json* list : {&original, &patch}) {
    for (const Json& item : *list) {
      if (!index_of(out, item, "")) out.push_back(item);
    }
  }
  return out;
}

Json without_values(const Json& list, const Json& unwanted) {
  Json out = Json::array();
  for (const Json& item : list) {
    if (!index_of(unwanted, item, "")) out.push_back(item);
  }
  return out;
}

bool is_directive(const Json& item) { return item.is_object() && item.contains(kPatch); }

// Obeys the items that are directives and takes them out of `patch`. True: `patch` replaces the list.
bool obey_list_directives(Json& original, Json& patch, const std::string& merge_key) {
  bool replace = false;
  Json rest = Json::array();
  for (Json& item : patch) {
    if (!is_directive(item)) {
      rest.push_back(std::move(item));
      continue;
    }
    const Json& type = item[kPatch];
    if (type == "replace") {
      replace = true;
    } else if (type == "delete") {
      const Json wanted = key_of(item, merge_key);
      Json kept = Json::array();
      for (Json& one : original) {
        if (key_of(one, merge_key) != wanted) kept.push_back(std::move(one));
      }
      original = std::move(kept);
    } else if (type == "merge") {
      throw DecodeError("merging lists cannot yet be specified in the patch");
    } else {
      bad_patch_type(type, item);
    }
  }
  patch = std::move(rest);
  return replace;
}

Json merge_lists(const Rule& rule, Json original, Json patch) {
  if (patch.empty()) return original;
  const bool objects = patch.front().is_object() || (!original.empty() && original.front().is_object());
  if (!objects) return ordered(merge_values(original, patch), patch, original, "");
  if (rule.merge_key.empty()) throw ApplyError("cannot merge lists without merge key for this type");
  for (const Json& item : patch) {
    if (!item.is_object()) throw DecodeError("list element types are not identical");
  }

  const Json server_order = original;
  if (obey_list_directives(original, patch, rule.merge_key)) original = Json::array();
  const Json patch_order = patch;
  for (Json& item : patch) {
    key_of(item, rule.merge_key);
    if (const auto at = index_of(original, item, rule.merge_key)) {
      original[*at] = merge_objects(element_of(rule), std::move(original[*at]), std::move(item));
    } else {
      original.push_back(merge_objects(element_of(rule), Json::object(), std::move(item)));
    }
  }
  return ordered(original, patch_order, server_order, rule.merge_key);
}

// Nulls and directives inside a value that is taken as it is.
Json cleaned(const Schema* schema, Json value) {
  if (value.is_object()) return merge_objects(schema, Json::object(), std::move(value));
  if (value.is_array()) {
    Json out = Json::array();
    for (Json& item : value) {
      if (!is_directive(item)) out.push_back(cleaned(schema ? schema->element : nullptr, std::move(item)));
    }
    return out;
  }
  return value;
}

void obey_retain_keys(Json& original, Json& patch) {
  const auto found = patch.find(kRetainKeys);
  if (found == patch.end()) return;
  if (!found->is_array()) throw DecodeError("invalid patch format of retainKeys");
  std::set<std::string> kept;
  for (const Json& name : *found) {
    if (!name.is_string()) throw DecodeError("invalid patch format of retainKeys");
    kept.insert(name.get<std::string>());
  }
  patch.erase(found);
  for (const auto& [name, value] : patch.items()) {
    const bool directive = name.starts_with(kSetElementOrder) || name.starts_with(kDeleteFromPrimitives);
    if (!directive && !value.is_null() && !kept.contains(name)) throw DecodeError("invalid patch format of retainKeys");
  }
  for (auto member = original.begin(); member != original.end();) {
    member = kept.contains(member.key()) ? std::next(member) : original.erase(member);
  }
}

// The patch's items must stand in the order that is asked for, and all be named in it.
void check_order(const Json& patch, const Json& order, const std::string& merge_key) {
  std::size_t from = 0;
  for (const Json& item : patch) {
    if (is_directive(item)) continue;
    const auto at = index_of(order, item, merge_key);
    if (!at || *at < from) {
      throw DecodeError(fmt::format("The order in patch list:\n{}\n doesn't match {} list:\n{}\n", patch.dump(), "$setElementOrder", order.dump()));
    }
    from = *at;
  }
}

void obey_set_element_order(const Schema* schema, Json& original, Json& patch) {
  std::vector<std::string> lists;
  for (const auto& [name, value] : patch.items()) {
    if (name.starts_with(kSetElementOrder)) lists.push_back(name.substr(kSetElementOrder.size()));
  }
  for (const std::string& name : lists) {
    const std::string directive = std::string(kSetElementOrder) + name;
    const Json order = patch[directive];
    patch.erase(directive);
    if (!order.is_array()) throw DecodeError("invalid patch format of setElementOrder list");
    const Rule rule = rule_of(schema, name);
    const bool in_original = original.contains(name) && original[name].is_array();
    const bool in_patch = patch.contains(name) && patch[name].is_array();
    if (!rule.merge_list) throw DecodeError("invalid patch format of setElementOrder list");
    if (!in_original && !in_patch) continue;

    // The list's own kind of items decides: an order of values is looked up by value.
    const std::string merge_key = !order.empty() && order.front().is_object() ? rule.merge_key : "";
    const Json before = in_original ? original[name] : Json::array();
    Json merged = before;
    if (in_patch) {
      check_order(patch[name], order, merge_key);
      merged = merge_lists(rule, before, patch[name]);
      patch.erase(name);
    }
    const bool keyed = !merged.empty() && merged.front().is_object();
    original[name] = ordered(merged, order, before, keyed ? rule.merge_key : "");
  }
}

void merge_member(const Schema* schema, Json& original, const std::string& name, Json patch) {
  if (patch.is_null()) {
    original.erase(name);
    return;
  }
  const Rule rule = rule_of(schema, name);
  const auto found = original.find(name);
  const bool same_type = found != original.end() && found->type() == patch.type();
  const bool mergeable = same_type && (patch.is_object() ? !rule.replace : patch.is_array() && rule.merge_list);
  if (!mergeable) {
    original[name] = cleaned(rule.schema, std::move(patch));
  } else if (patch.is_object()) {
    *found = merge_objects(rule.schema, std::move(*found), std::move(patch));
  } else {
    *found = merge_lists(rule, std::move(*found), std::move(patch));
  }
}

Json merge_objects(const Schema* schema, Json original, Json patch) {
  if (const auto type = patch.find(kPatch); type != patch.end()) {
    if (*type == "delete") return Json::object();
    if (*type != "replace") bad_patch_type(*type, patch);
    patch.erase(type);
    original = Json::object();
  }
  if (original.is_null()) original = Json::object();
  obey_retain_keys(original, patch);
  obey_set_element_order(schema, original, patch);
  for (auto& [name, value] : patch.items()) {
    if (!name.starts_with(kDeleteFromPrimitives)) {
      merge_member(schema, original, name, std::move(value));
      continue;
    }
    if (!value.is_array()) throw DecodeError("invalid patch format of primitive list");
    const std::string list = name.substr(kDeleteFromPrimitives.size());
    if (const auto found = original.find(list); found != original.end() && found->is_array()) *found = without_values(*found, value);
  }
  return original;
}

}  // namespace

Json strategic_merge_patch(const Schema& schema, const Json& document, const Json& patch) {
  if (!patch.is_object()) throw DecodeError("invalid JSON document");
  return merge_objects(&schema, document.is_object() ? document : Json::object(), patch);
}

}  // namespace ph::api
