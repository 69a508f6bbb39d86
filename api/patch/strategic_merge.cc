// Strategic merge patch: lists of objects are merged by a key, lists of values as sets, where the schema says so.
//
// A patch may carry directives:
//   {"$patch": "delete" | "replace", …}      in an object: empty it, or take the patch instead of merging; in an item of a
//                                            merged list: drop the item with this key, or take the patch's items alone
//   "$retainKeys": [names]                   members of the object that are not named go
//   "$setElementOrder/<list>": [keys]        the order of the merged list's items
//   "$deleteFromPrimitiveList/<list>": […]   values that go from a merged list
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/patch/directives.h"
#include "api/patch/patch.h"
#include "api/patch/patch_text.h"

namespace ph::api {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kGoList = "[]interface {}";

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
  // Go's %s of what is no string.
  const std::string shown = type.is_string() ? type.get<std::string>() : fmt::format("%!s({}={})", go_type(type), go_text(type));
  throw MergeError(fmt::format("unknown patch type: {} in map: {}", shown, go_text(where)));
}

[[noreturn]] void bad_argument(std::string_view wanted, const Json& got) {
  throw MergeError(fmt::format("expected a {}, but received a {}", wanted, go_type(got)));
}

const Json& key_of(const Json& item, const std::string& merge_key) {
  const auto found = item.is_object() ? item.find(merge_key) : item.end();
  if (!item.is_object() || found == item.end()) {
    throw MergeError(fmt::format("map: {} does not contain declared merge key: {}", go_text(item), merge_key));
  }
  return *found;
}

// Lists that are merged hold things of one type.
void check_types(const Json& original, const Json& patch) {
  std::string_view type;
  for (const Json* list : {&original, &patch}) {
    for (const Json& item : *list) {
      if (type.empty()) {
        if (item.is_array()) throw ApplyError("lists of lists are not supported");
        if (!item.is_null()) type = go_type(item);
      } else if (type != go_type(item)) {
        throw MergeError(fmt::format("list element types are not identical: {}", go_text(Json::array({original, patch}))));
      }
    }
  }
}

// Where the items of a list are, by their identity: the merge key, or the items themselves. The first of equal ones counts.
// Refers to the items: those must not change.
class Index {
 public:
  Index(const Json& list, const std::string& merge_key) : merge_key_(merge_key) {
    for (std::size_t i = 0; i < list.size(); ++i) add(list[i], i);
  }

  void add(const Json& item, std::size_t at) {
    if (merge_key_.empty()) {
      places_.emplace(&item, at);
    } else if (const auto key = item.is_object() ? item.find(merge_key_) : item.end(); item.is_object() && key != item.end()) {
      places_.emplace(&*key, at);
    }
  }

  std::optional<std::size_t> find(const Json& item) const {
    if (places_.empty()) return std::nullopt;
    const auto found = places_.find(merge_key_.empty() ? &item : &key_of(item, merge_key_));
    if (found == places_.end()) return std::nullopt;
    return found->second;
  }

 private:
  struct Less {
    bool operator()(const Json* a, const Json* b) const { return *a < *b; }
  };
  const std::string& merge_key_;
  std::map<const Json*, std::size_t, Less> places_;
};

// Orders merged items: those of `patch_order` as it says, the others as they were, and the two woven together by where they
// stood in `server_order`.
Json ordered(Json merged, const Json& patch_order, const Json& server_order, const std::string& merge_key) {
  struct Ranked {
    std::size_t rank;
    Json* item;
  };
  std::vector<Ranked> patched, others;
  const Index in_patch(patch_order, merge_key), on_server(server_order, merge_key);
  for (Json& item : merged) {
    if (const auto at = in_patch.find(item)) {
      patched.push_back({*at, &item});
    } else {
      others.push_back({on_server.find(item).value_or(server_order.size()), &item});
    }
  }
  // Items of one rank stay as they are: they lie in one array.
  const auto before = [](const Ranked& a, const Ranked& b) { return std::tie(a.rank, a.item) < std::tie(b.rank, b.item); };
  std::ranges::sort(patched, before);
  std::ranges::sort(others, before);

  Json out = Json::array();
  auto other = others.begin();
  for (const Ranked& next : patched) {
    const auto stood = on_server.find(*next.item);
    while (other != others.end() && stood && other->rank < *stood) out.push_back(std::move(*other++->item));
    out.push_back(std::move(*next.item));
  }
  while (other != others.end()) out.push_back(std::move(*other++->item));
  return out;
}

// What tells the identity of a list's objects: their keys alone.
Json keys_of(const Json& list, const std::string& merge_key) {
  Json out = Json::array();
  for (const Json& item : list) {
    const auto key = item.is_object() ? item.find(merge_key) : item.end();
    out.push_back(item.is_object() && key != item.end() ? Json::object({{merge_key, *key}}) : Json());
  }
  return out;
}

// Of values: the union, each once.
Json merge_values(const Json& original, const Json& patch) {
  Json out = Json::array();
  const std::string by_value;
  Index known(Json::array(), by_value);
  for (const Json* list : {&original, &patch}) {
    for (const Json& item : *list) {
      if (known.find(item)) continue;
      known.add(item, 0);
      out.push_back(item);
    }
  }
  return out;
}

Json without_values(const Json& list, const Json& unwanted) {
  Json out = Json::array();
  const std::string by_value;
  const Index dropped(unwanted, by_value);
  for (const Json& item : list) {
    if (!dropped.find(item)) out.push_back(item);
  }
  return out;
}

bool is_directive(const Json& item) { return item.is_object() && item.contains(kPatch); }

// Obeys the items that are directives and takes them out of `patch`. True: `patch` replaces the list.
bool obey_list_directives(Json& original, Json& patch, const std::string& merge_key) {
  bool replace = false;
  Json rest = Json::array();
  std::set<Json> dropped;
  for (Json& item : patch) {
    if (!is_directive(item)) {
      rest.push_back(std::move(item));
      continue;
    }
    const Json& type = item[kPatch];
    if (type == "replace") {
      replace = true;
    } else if (type == "delete") {
      dropped.insert(key_of(item, merge_key));
    } else if (type == "merge") {
      throw MergeError("merging lists cannot yet be specified in the patch");
    } else {
      bad_patch_type(type, item);
    }
  }
  patch = std::move(rest);
  if (dropped.empty()) return replace;
  Json kept = Json::array();
  for (Json& one : original) {
    if (!dropped.contains(key_of(one, merge_key))) kept.push_back(std::move(one));
  }
  original = std::move(kept);
  return replace;
}

Json merge_lists(const Rule& rule, Json original, Json patch) {
  if (patch.empty()) return original;
  check_types(original, patch);
  const bool objects = patch.front().is_object() || (!original.empty() && original.front().is_object());
  if (!objects) return ordered(merge_values(original, patch), patch, original, "");
  if (rule.merge_key.empty()) throw MergeError("cannot merge lists without merge key for this type");

  const Json server_order = keys_of(original, rule.merge_key);
  if (obey_list_directives(original, patch, rule.merge_key)) original = Json::array();
  const Json patch_order = keys_of(patch, rule.merge_key);
  // Of what was there before, and of what is added: an item keeps its identity when it is merged.
  const Json before = keys_of(original, rule.merge_key);
  const Index known(before, rule.merge_key);
  std::map<Json, std::size_t> added;
  for (Json& item : patch) {
    const Json key = key_of(item, rule.merge_key);
    auto at = known.find(item);
    if (const auto found = added.find(key); !at && found != added.end()) at = found->second;
    if (at) {
      original[*at] = merge_objects(element_of(rule), std::move(original[*at]), std::move(item));
      continue;
    }
    original.push_back(merge_objects(element_of(rule), Json::object(), std::move(item)));
    if (!key.is_null()) added.emplace(key, original.size() - 1);
  }
  return ordered(std::move(original), patch_order, server_order, rule.merge_key);
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
  const Index asked(order, merge_key);
  for (const Json& item : patch) {
    if (is_directive(item)) continue;
    const auto at = asked.find(item);
    if (!at || *at < from) {
      throw MergeError(fmt::format("The order in patch list:\n{}\n doesn't match $setElementOrder list:\n{}\n", go_text(patch),
                                   go_text(order)));
    }
    from = *at;
  }
}

// Every item of an order of objects names one.
void check_keys(const Json& order, const std::string& merge_key) {
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (!order[i].is_object()) throw MergeError(fmt::format("value for key {} is not a map", i));
  }
  for (const Json& item : order) key_of(item, merge_key);
}

void obey_set_element_order(const Schema* schema, Json& original, Json& patch) {
  std::vector<std::string> lists;
  for (const auto& [name, value] : patch.items()) {
    if (name.starts_with(kSetElementOrder)) lists.push_back(name.substr(kSetElementOrder.size()));
  }
  for (const std::string& name : lists) {
    const std::string directive = std::string(kSetElementOrder) + name;
    const Json order = std::move(patch[directive]);
    patch.erase(directive);
    if (!order.is_array()) bad_argument(kGoList, order);
    const Rule rule = rule_of(schema, name);
    const bool in_original = original.contains(name), in_patch = patch.contains(name);
    if (in_original && !original[name].is_array()) bad_argument(kGoList, original[name]);
    if (in_patch && !patch[name].is_array()) bad_argument(kGoList, patch[name]);
    if (!rule.merge_list) throw DecodeError("invalid patch format of setElementOrder list");
    if (!in_original && !in_patch) continue;

    // The list's own kind of items decides: an order of values is looked up by value.
    const std::string merge_key = !order.empty() && order.front().is_object() ? rule.merge_key : "";
    Json merged = in_original ? std::move(original[name]) : Json::array();
    const bool objects = !merged.empty() && merged.front().is_object() && !rule.merge_key.empty();
    const Json before = objects ? keys_of(merged, rule.merge_key) : merged;
    if (in_patch) {
      check_order(patch[name], order, merge_key);
      merged = merge_lists(rule, std::move(merged), std::move(patch[name]));
      patch.erase(name);
    }
    const bool keyed = !merged.empty() && merged.front().is_object();
    if (keyed) check_keys(order, rule.merge_key);
    original[name] = ordered(std::move(merged), order, before, keyed ? rule.merge_key : "");
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
    const std::string list = name.substr(kDeleteFromPrimitives.size());
    const auto found = original.find(list);
    if (found == original.end() || !found->is_array() || !value.is_array()) continue;
    check_types(*found, value);
    *found = without_values(*found, value);
  }
  return original;
}

}  // namespace

Json strategic_merge_patch(const Schema& schema, Json document, Json patch) {
  if (!patch.is_object()) throw DecodeError("invalid JSON document");
  return merge_objects(&schema, document.is_object() ? std::move(document) : Json::object(), std::move(patch));
}

}  // namespace ph::api
