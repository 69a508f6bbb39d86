// What differs between two objects of one schema, as sets of fields. One algorithm over three kinds of views: Value, the bytes of
// messages, which is many times faster, and documents taken literally.
#include <algorithm>
#include <span>
#include <tuple>

#include <google/protobuf/message.h>
#include <nlohmann/json.hpp>

#include "api/patch/field_set.h"
#include "api/patch/literal.h"
#include "api/views.h"
#include "base/assert.h"

namespace ph::api {
namespace {

// -- What the algorithm asks of a view, and api/views.h does not say

struct LiteralMembers {
  Literal of;
  Literal operator[](std::size_t member) const { return of.member(of.schema().fields[member].name); }
};
LiteralMembers members_of(const Literal& literal) { return {literal}; }

std::vector<Literal> items_of(const Literal& list) { return list.items(); }

auto entries_of(const Literal& map) { return map.members(); }

std::string json_text_of(const Value& value) { return value.json().dump(); }
std::string json_text_of(const wire::View& view) { return view.json_text(); }

bool same_bytes(const Value&, const Value&) { return false; }
bool same_bytes(const wire::View& a, const wire::View& b) { return wire::View::same_bytes(a, b); }
bool same_bytes(const Literal&, const Literal&) { return false; }

// Empty and null differ only where documents are taken literally.
template <class V>
bool are_hollow(const V&, const V&) {
  return false;
}
bool are_hollow(const Literal& a, const Literal& b) { return a.is_hollow() && b.is_hollow(); }

// -- What a schema says about its values

bool is_scalar(const Schema& schema) {
  return schema.type != Type::Struct && schema.type != Type::Map && schema.type != Type::List;
}

// A value type is there even when it is zero: between two objects it can only be changed, never added.
bool is_always_shown(const Field& field) { return field.always && !field.pointer && is_scalar(*field.schema); }
// A list that JSON shows as null when it is empty: its items come and go, the list does not.
bool is_null_list(const Field& field) { return field.always && !field.pointer && field.schema->type == Type::List; }

bool is_kept_by_server(std::string_view name) {
  constexpr std::string_view kNames[] = {"name", "namespace",  "creationTimestamp", "selfLink",
                                         "uid",  "generation", "managedFields",     "resourceVersion"};
  return std::ranges::find(kNames, name) != std::end(kNames);
}

// -- The items of lists

// The value of one key of an item: its own, or what stands for it when it is absent; empty: it is no part of the key.
template <class V>
std::string key_value(const Field& field, const V& value) {
  if (value) return json_text_of(value);
  if (!field.default_json.empty()) return field.default_json;
  if (!field.always) return {};
  return field.schema->type == Type::String ? "\"\"" : "0";
}

template <class V>
PathElement key_of(const Schema& list, const V& item) {
  const auto members = members_of(item);
  std::vector<std::string_view> names(list.list_map_keys.begin(), list.list_map_keys.end());
  std::ranges::sort(names);
  std::string key = "{";
  for (const std::string_view name : names) {
    const Field* field = list.element->field(name);
    if (!field) continue;
    const std::string value = key_value(*field, members[static_cast<std::size_t>(field - list.element->fields.data())]);
    if (value.empty()) continue;
    if (key.size() > 1) key += ',';
    key.append(1, '"').append(name).append("\":").append(value);
  }
  return PathElement::key(key += '}');
}

template <class V>
PathElement element_of(const Schema& list, const V& item) {
  return list.list_type == ListType::Map ? key_of(list, item) : PathElement::value(json_text_of(item));
}

// A list's items in the order of what identifies them, those of one identity in the order of the list.
template <class V>
struct Item {
  PathElement element;
  V value;
  std::size_t index;
};
template <class V>
using Items = std::vector<Item<V>>;

template <class V>
Items<V> identified(const V& list) {
  Items<V> out;
  const auto& items = items_of(list);
  if constexpr (requires { items.size(); }) out.reserve(items.size());
  for (const V& item : items) out.push_back({element_of(list.schema(), item), item, out.size()});
  // Most lists stand in this order already.
  const auto order = [](const Item<V>& item) { return std::tie(item.element, item.index); };
  if (!std::ranges::is_sorted(out, {}, order)) std::ranges::sort(out, {}, order);
  return out;
}

// The items of one identity that begin at `from`.
template <class V>
std::span<const Item<V>> run_at(const Items<V>& items, std::size_t from) {
  std::size_t end = from;
  while (end < items.size() && items[end].element == items[from].element) ++end;
  return std::span(items).subspan(from, end - from);
}

template <class V>
bool equal(std::span<const Item<V>> a, std::span<const Item<V>> b) {
  return std::ranges::equal(a, b, [](const Item<V>& left, const Item<V>& right) { return V::equal(left.value, right.value); });
}

// -- The comparison

// A place that belongs to a set, and what below it does.
struct Part {
  bool self = false;
  FieldSet below;
  bool empty() const { return !self && below.empty(); }
};

// What is said about one place.
struct Found {
  Part added, modified, removed;
  bool empty() const { return added.empty() && modified.empty() && removed.empty(); }
};

void move_into(FieldSet& set, PathElement element, Part&& part) {
  if (!part.empty()) set.append(std::move(element), part.self, std::move(part.below));
}
void move_into(Found& found, const PathElement& element, Found&& part) {
  if (!part.added.empty()) move_into(found.added.below, element, std::move(part.added));
  if (!part.modified.empty()) move_into(found.modified.below, element, std::move(part.modified));
  if (!part.removed.empty()) move_into(found.removed.below, element, std::move(part.removed));
}

template <class V>
class Comparer {
 public:
  // `shows_zeros`: what JSON always shows is there, even where it is zero or null.
  explicit Comparer(bool shows_zeros) : shows_zeros_(shows_zeros) {}

  Found compare(const V& old, const V& now) {
    Found out;
    if (same_bytes(old, now)) return out;
    if (is_leaf(now.schema()) || are_hollow(old, now)) {
      out.modified.self = !V::equal(old, now);
    } else if (now.schema().type == Type::Struct) {
      compare_structs(old, now, out);
    } else if (now.schema().type == Type::Map) {
      compare_maps(old, now, out);
    } else {
      compare_lists(old, now, out);
    }
    return out;
  }

  // A value and everything in it.
  Part all_of(const V& value) {
    Part out{.self = true, .below = {}};
    if (!is_leaf(value.schema())) parts_of(value, out.below);
    return out;
  }

  void parts_of(const V& value, FieldSet& into) {
    if (value.schema().type == Type::Struct) {
      const auto members = members_of(value);
      for (const auto& [name, index] : value.schema().by_name()) {
        const Field& field = value.schema().fields[index];
        const V member = is_kept(name) ? V() : members[index];
        if (!member && !(shows_zeros_ && field.always)) continue;
        const Depth deeper(*this, name);
        move_into(into, PathElement::field(name), member ? all_of(member) : Part{.self = true, .below = {}});
      }
    } else if (value.schema().type == Type::Map) {
      for (const auto& [key, entry] : entries_of(value)) {
        const Depth deeper(*this, key);
        move_into(into, PathElement::field(key), all_of(entry));
      }
    } else {
      const Items<V> items = identified(value);
      for (std::size_t i = 0; i < items.size();) {
        const auto run = run_at(items, i);
        i += run.size();
        // Of items with one identity none can be told from another: they are owned as a whole.
        const Depth deeper(*this, {});
        move_into(into, run.front().element, run.size() == 1 ? all_of(run.front().value) : Part{.self = true, .below = {}});
      }
    }
  }

 private:
  // Where the comparison is, as far as it matters: whether it is among the members of metadata.
  class Depth {
   public:
    Depth(Comparer& comparer, std::string_view name) : comparer_(comparer) {
      if (comparer_.depth_++ == 0) comparer_.in_metadata_ = name == "metadata";
    }
    ~Depth() { --comparer_.depth_; }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;

   private:
    Comparer& comparer_;
  };

  bool is_kept(std::string_view name) const { return depth_ == 1 && in_metadata_ && is_kept_by_server(name); }

  void compare_structs(const V& old, const V& now, Found& out) {
    const auto before = members_of(old), after = members_of(now);
    for (const auto& [name, index] : now.schema().by_name()) {
      if (is_kept(name)) continue;
      const V left = before[index], right = after[index];
      if (!left && !right) continue;
      const Depth deeper(*this, name);
      Found part = compare_members(now.schema().fields[index], left, right);
      if (!part.empty()) move_into(out, PathElement::field(name), std::move(part));
    }
  }

  Found compare_members(const Field& field, const V& before, const V& after) {
    if (before && after) return compare(before, after);
    Found out;
    const V& value = after ? after : before;
    if (shows_zeros_ && (is_always_shown(field) || (is_null_list(field) && is_leaf(value.schema())))) {
      out.modified.self = true;
      return out;
    }
    Part& into = after ? out.added : out.removed;
    if (shows_zeros_ && is_null_list(field)) {
      parts_of(value, into.below);
    } else {
      into = all_of(value);
    }
    return out;
  }

  void compare_maps(const V& old, const V& now, Found& out) {
    const auto before = entries_of(old), after = entries_of(now);
    auto left = before.begin();
    auto right = after.begin();
    while (left != before.end() || right != after.end()) {
      const bool only_old = right == after.end() || (left != before.end() && left->first < right->first);
      const bool only_now = !only_old && (left == before.end() || right->first < left->first);
      const PathElement element = PathElement::field(only_old ? left->first : right->first);
      const Depth deeper(*this, {});
      if (only_old) {
        move_into(out.removed.below, element, all_of(left->second));
      } else if (only_now) {
        move_into(out.added.below, element, all_of(right->second));
      } else {
        move_into(out, element, compare(left->second, right->second));
      }
      if (!only_now) ++left;
      if (!only_old) ++right;
    }
  }

  void compare_lists(const V& old, const V& now, Found& out) {
    const Items<V> before = identified(old), after = identified(now);
    std::size_t left = 0, right = 0;
    while (left < before.size() || right < after.size()) {
      const bool only_old = right == after.size() || (left < before.size() && before[left].element < after[right].element);
      const bool only_now = !only_old && (left == before.size() || after[right].element < before[left].element);
      const Depth deeper(*this, {});
      std::span<const Item<V>> gone, come;
      if (!only_now) gone = run_at(before, left);
      if (!only_old) come = run_at(after, right);
      left += gone.size();
      right += come.size();
      if (only_old) {
        move_into(out.removed.below, gone.front().element, all_of(gone.front().value));
      } else if (only_now) {
        move_into(out.added.below, come.front().element,
                  come.size() == 1 ? all_of(come.front().value) : Part{.self = true, .below = {}});
      } else if (come.size() == 1 && gone.size() == 1) {
        move_into(out, come.front().element, compare(gone.front().value, come.front().value));
      } else if (!equal(come, gone)) {
        move_into(out.modified.below, come.front().element, Part{.self = true, .below = {}});
      }
    }
  }

  bool shows_zeros_;
  bool in_metadata_ = false;
  int depth_ = 0;
};

template <class V>
FieldChanges changes_between(const V& old, const V& now, bool shows_zeros = true) {
  Found found = Comparer<V>(shows_zeros).compare(old, now);
  return {std::move(found.added.below), std::move(found.modified.below), std::move(found.removed.below)};
}

}  // namespace

FieldChanges compare_fields(const Value& old, const Value& now) { return changes_between(old, now); }

FieldChanges compare_fields(const google::protobuf::Message& old, const google::protobuf::Message& now) {
  thread_local std::string old_bytes, now_bytes;
  old_bytes.clear();
  now_bytes.clear();
  PH_ASSERT(old.AppendPartialToString(&old_bytes));
  PH_ASSERT(now.AppendPartialToString(&now_bytes));
  const Schema& schema = schema_of(now);
  return changes_between(wire::View(schema, old_bytes), wire::View(schema, now_bytes));
}

FieldChanges compare_fields(const Object& old, const Object& now) {
  if (old.message()) return compare_fields(*old.message(), *now.message());
  return compare_fields(old.value(), now.value());
}

FieldChanges compare_fields(const Literal& old, const Literal& now) { return changes_between(old, now, false); }

FieldSet fields_of(const Value& object) {
  FieldSet out;
  Comparer<Value>(false).parts_of(object, out);
  return out;
}

}  // namespace ph::api
