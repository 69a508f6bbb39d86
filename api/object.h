// What all API objects have in common.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "meta/v1.pb.h"

namespace ph {

// namespace/name; cluster-scoped objects have an empty namespace.
struct ObjectKey {
  std::string namespace_name;
  std::string name;
  auto operator<=>(const ObjectKey&) const = default;

  // "namespace/name" or "name".
  std::string text() const { return namespace_name.empty() ? name : namespace_name + "/" + name; }
  static ObjectKey parse(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) return {{}, std::string(text)};
    return {std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
  }
};

inline std::string format_as(const ObjectKey& key) { return key.text(); }

template <class T>
ObjectKey key_of(const T& object) {
  return {object.metadata().namespace_(), object.metadata().name()};
}

}  // namespace ph

namespace ph::api {

// The metadata of any object, by reflection. The message must have a field `metadata` of type ObjectMeta.
const meta::v1::ObjectMeta& metadata(const google::protobuf::Message& object);
meta::v1::ObjectMeta& mutable_metadata(google::protobuf::Message& object);

}  // namespace ph::api
