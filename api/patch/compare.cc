// What differs between two objects of one schema, as sets of fields.
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/patch/field_set.h"

namespace ph::api {
namespace {

bool is_leaf(const Schema& schema) {
  switch (schema.type) {
    case Type::Struct:
    case Type::Map: return schema.atomic;
    case Type::List: return schema.atomic || schema.list_type == ListType::Atomic;
    default: return true;
  }
}

bool is_scalar(const Schema& schema) { return schema.type != Type::Struct && schema.type != Type::Map && schema.type != Type::List; }

// A value type is there even when it is zero: between two objects it can only be changed, never added.
bool is_always_there(const Field& field) { return field.always && !field.pointer && is_scalar(*field.schema); }
// A list that JSON shows as null when it is empty: its items come and go, the list does not.
bool is_null_list(const Field& field) { return field.always && !field.pointer && field.schema->type == Type::List; }

PathElement key_of(const Schema& list, const Value& item) {
  nlohmann::json key = nlohmann::json::object();
  for (const std::string& name : list.list_map_keys) {
    const Field* field = list.element->field(name);
    if (!field) continue;
    const Value value = item.member(*field);
    if (value) {
      key[name] = value.json();
    } else if (!field->default_json.empty()) {
      key[name] = nlohmann::json::parse(field->default_json);
    } else if (field->always) {
      key[name] = field->schema->type == Type::String ? nlohmann::json("") : nlohmann::json(0);
    }
  }
  return PathElement::key(key.dump());
}

PathElement element_of(const Schema& list, const Value& item) {
  return list.list_type == ListType::Map ? key_of(list, item) : PathElement::value(item.json().dump());
}

// A list's items by what identifies them. An identity that occurs twice has several.
using Items = std::map<PathElement, std::vector<Value>>;

Items items_of(const Value& list) {
  Items out;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Value item = list.item(i);
    out[element_of(list.schema(), item)].push_back(item);
  }
  return out;
}

bool equal(const std::vector<Value>& a, const std::vector<Value>& b) {
  return std::ranges::equal(a, b, [](const Value& left, const Value& right) { return Value::equal(left, right); });
}

bool is_kept_by_server(const FieldPath& path, const std::string& name) {
  constexpr std::string_view kNames[] = {"name", "namespace", "creationTimestamp", "selfLink", "uid", "generation", "managedFields",
                                         "resourceVersion"};
  return path.size() == 1 && path[0].content() == "metadata" && std::ranges::find(kNames, name) != std::end(kNames);
}

class Comparer {
 public:
  // `shows_zeros`: what JSON always shows is there, even where it is zero or null.
  explicit Comparer(bool shows_zeros) : shows_zeros_(shows_zeros) {}
  FieldChanges changes;

  void compare(const Value& old, const Value& now) {
    if (is_leaf(now.schema())) {
      if (!Value::equal(old, now)) changes.modified.insert(path_);
    } else if (now.schema().type == Type::Struct) {
      compare_struct(old, now);
    } else if (now.schema().type == Type::Map) {
      compare_map(old, now);
    } else {
      compare_list(old, now);
    }
  }

  // Everything in `value`, and itself unless it is the object.
  void all_of(const Value& value, FieldSet& into) {
    if (!path_.empty()) into.insert(path_);
    if (!is_leaf(value.schema())) parts_of(value, into);
  }

 private:
  // Runs `act` one element deeper.
  template <class F>
  void below(PathElement element, F&& act) {
    path_.push_back(std::move(element));
    act();
    path_.pop_back();
  }

  void parts_of(const Value& value, FieldSet& into) {
    if (value.schema().type == Type::Struct) {
      for (const Field& field : value.schema().fields) {
        const Value member = is_kept_by_server(path_, field.name) ? Value() : value.member(field);
        if (!member && !(shows_zeros_ && field.always)) continue;
        below(PathElement::field(field.name), [&] { member ? all_of(member, into) : into.insert(path_); });
      }
    } else if (value.schema().type == Type::Map) {
      for (const std::string& key : value.keys()) below(PathElement::field(key), [&] { all_of(value.entry(key), into); });
    } else {
      for (const auto& [element, items] : items_of(value)) {
        // Of items with one identity none can be told from another: they are owned as a whole.
        below(element, [&] { items.size() == 1 ? all_of(items.front(), into) : into.insert(path_); });
      }
    }
  }

  void compare_struct(const Value& old, const Value& now) {
    for (const Field& field : now.schema().fields) {
      if (is_kept_by_server(path_, field.name)) continue;
      const Value before = old.member(field), after = now.member(field);
      if (before || after) below(PathElement::field(field.name), [&] { compare_member(field, before, after); });
    }
  }

  void compare_member(const Field& field, const Value& before, const Value& after) {
    if (before && after) return compare(before, after);
    if (is_always_there(field)) return changes.modified.insert(path_);
    FieldSet& into = after ? changes.added : changes.removed;
    const Value& value = after ? after : before;
    if (is_null_list(field)) {
      is_leaf(value.schema()) ? changes.modified.insert(path_) : parts_of(value, into);
    } else {
      all_of(value, into);
    }
  }

  void compare_map(const Value& old, const Value& now) {
    for (const std::string& key : now.keys()) {
      const Value before = old.entry(key), after = now.entry(key);
      below(PathElement::field(key), [&] { before ? compare(before, after) : all_of(after, changes.added); });
    }
    for (const std::string& key : old.keys()) {
      if (!now.entry(key)) below(PathElement::field(key), [&] { all_of(old.entry(key), changes.removed); });
    }
  }

  void compare_list(const Value& old, const Value& now) {
    const Items before = items_of(old), after = items_of(now);
    for (const auto& [element, items] : after) {
      const auto found = before.find(element);
      below(element, [&] {
        if (found == before.end()) {
          items.size() == 1 ? all_of(items.front(), changes.added) : changes.added.insert(path_);
        } else if (items.size() == 1 && found->second.size() == 1) {
          compare(found->second.front(), items.front());
        } else if (!equal(items, found->second)) {
          changes.modified.insert(path_);
        }
      });
    }
    for (const auto& [element, items] : before) {
      if (!after.contains(element)) below(element, [&] { all_of(items.front(), changes.removed); });
    }
  }

  bool shows_zeros_;
  FieldPath path_;
};

}  // namespace

FieldChanges compare_fields(const Value& old, const Value& now) {
  Comparer comparer(true);
  comparer.compare(old, now);
  return std::move(comparer.changes);
}

FieldSet fields_of(const Value& object) {
  Comparer comparer(false);
  FieldSet out;
  comparer.all_of(object, out);
  return out;
}

}  // namespace ph::api
