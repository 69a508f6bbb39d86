// What it means that a value is zero, absent, or equal to another: said once, whatever holds the value. Messages and documents
// (api/value.h) and the bytes of messages (api/wire_view.h) bring a view, which walks, and a leaf, which reads what is no struct, list
// or map. Reference: `omitempty` and the zero values of Go, apimachinery's Semantic equality. Internal to api/.
//
// A leaf answers with nothing what is not of its type, as a document may hold; that is not zero, and equal as JSON is.
#pragma once

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "api/quantity.h"
#include "api/schema.h"
#include "api/wire.h"

namespace ph::api {

// A struct that is always written is there: what lacks it means an empty one.
inline bool is_always_there(const Field& field) { return field.schema->type == Type::Struct && field.always && !field.pointer; }

// When two quantities are equal: if JSON shows the same text (so 1Ki is not 1024), or if they are the same amount.
enum class Amounts : unsigned char { Shown, Meant };

class Meaning {
 public:
  // A member that was found: absent when it is zero and no pointer.
  template <class View>
  static View present(View found, const Field& field) {
    return field.pointer || !is_zero(found, field) ? std::move(found) : View();
  }

  // Of a member that is no pointer.
  template <class View>
  static bool is_zero(const View& value, const Field& field) {
    switch (value.schema().type) {
      case Type::Struct: return !field.always && is_hollow(value);
      case Type::List:
      case Type::Map: return value.is_bare();
      default: return value.is_zero_leaf();
    }
  }

  // A struct without a member. One that is always there counts by what it holds.
  template <class View>
  static bool is_hollow(const View& value) {
    if (value.is_bare()) return true;
    const auto& fields = value.schema().fields;
    const auto members = members_of(value);
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const View member = members[i];
      if (member && !(is_always_there(fields[i]) && is_hollow(member))) return false;
    }
    return true;
  }

  // Of two values that are there; what is in them is compared by the views' own `equal`, which may know a shorter way.
  template <class View>
  static bool equal_parts(const View& a, const View& b) {
    switch (a.schema().type) {
      case Type::Struct: return equal_structs(a, b);
      case Type::List: return std::ranges::equal(items_of(a), items_of(b), View::equal);
      case Type::Map:
        return std::ranges::equal(entries_of(a), entries_of(b), [](const auto& left, const auto& right) {
          return left.first == right.first && View::equal(left.second, right.second);
        });
      default: return View::equal_leaves(a, b);
    }
  }

  template <class Leaf>
  static bool is_zero_leaf(const Leaf& leaf, Type type) {
    const auto is = [](const auto& value, auto zero) { return value && *value == zero; };
    switch (type) {
      case Type::Bool: return is(leaf.boolean(), false);
      case Type::Int32:
      case Type::Int64: return is(leaf.integer(type), 0);
      case Type::Double: return is(leaf.number(), 0.0);
      case Type::String:
      case Type::Bytes: return is(leaf.text(), std::string_view());
      case Type::Quantity: {
        const std::optional<std::string_view> text = leaf.quantity();
        return text && (text->empty() || canonical_quantity(*text) == "0");
      }
      case Type::IntOrString: return is(leaf.int_or_text(), wire::IntOrText{});
      case Type::Time:
      case Type::MicroTime: {
        const std::optional<wire::Stamp> stamp = leaf.stamp(type);
        return stamp && !stamp->set;
      }
      case Type::Duration: return is(leaf.duration(), 0);
      default: return leaf.is_nothing(type);
    }
  }

  // `equal_as_json`: whether JSON shows the same of both.
  template <class Leaf, class AsJson>
  static bool equal_leaves(const Leaf& a, const Leaf& b, Type type, Amounts amounts, AsJson&& equal_as_json) {
    const auto same = [&](const auto& left, const auto& right) { return left && right ? *left == *right : equal_as_json(); };
    switch (type) {
      case Type::Bool: return same(a.boolean(), b.boolean());
      case Type::Int32:
      case Type::Int64: return same(a.integer(type), b.integer(type));
      case Type::Double: return same(a.number(), b.number());
      case Type::String:
      case Type::Bytes: return same(a.text(), b.text());
      case Type::Quantity: {
        const std::optional<std::string_view> left = a.quantity(), right = b.quantity();
        if (!left || !right) return equal_as_json();
        if (amounts == Amounts::Meant) return same_quantity(*left, *right);
        return canonical_quantity(*left) == canonical_quantity(*right);
      }
      case Type::IntOrString: return same(a.int_or_text(), b.int_or_text());
      case Type::Time:
      case Type::MicroTime: {
        const std::optional<wire::Stamp> left = a.stamp(type), right = b.stamp(type);
        return left && right ? equal_stamps(*left, *right, type) : equal_as_json();
      }
      case Type::Duration: return same(a.duration(), b.duration());
      default: return equal_as_json();
    }
  }

 private:
  // Of one schema, or of two that differ in how their members are merged.
  template <class View>
  static bool equal_structs(const View& a, const View& b) {
    const auto &fields = a.schema().fields, &others = b.schema().fields;
    const bool alike = &a.schema() == &b.schema();
    const auto left = members_of(a);
    const auto right = members_of(b);
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const Field* other = alike ? &fields[i] : b.schema().field(fields[i].name);
      const View theirs = other == nullptr ? View() : right[alike ? i : static_cast<std::size_t>(other - others.data())];
      if (!View::equal(left[i], theirs)) return false;
    }
    return true;
  }

  // As their texts: whole seconds, or whole microseconds.
  static bool equal_stamps(const wire::Stamp& a, const wire::Stamp& b, Type type) {
    if (!a.set || !b.set) return a.set == b.set;
    return a.seconds == b.seconds && (type == Type::Time || a.nanos / 1000 == b.nanos / 1000);
  }
};

}  // namespace ph::api
