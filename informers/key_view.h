// A namespace and a name that belong to somebody else: of an object that is held, say, so that its key need not be held beside it.
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>

#include "api/object.h"

namespace ph::informers {

// Valid as long as the strings it views. Ordered as ObjectKey is.
struct KeyView {
  std::string_view namespace_name, name;

  KeyView() = default;
  KeyView(std::string_view namespace_name, std::string_view name) : namespace_name(namespace_name), name(name) {}
  KeyView(const ObjectKey& key) : namespace_name(key.namespace_name), name(key.name) {}
  // Of a message.
  template <class T>
  static KeyView of(const T& object) {
    return {object.metadata().namespace_(), object.metadata().name()};
  }

  auto operator<=>(const KeyView&) const = default;
  ObjectKey owned() const { return {std::string(namespace_name), std::string(name)}; }
};

// Of keys, whoever holds their strings.
struct KeyHash {
  std::size_t operator()(KeyView key) const {
    const std::hash<std::string_view> hash;
    return hash(key.name) * 31 + hash(key.namespace_name);
  }
};

}  // namespace ph::informers
