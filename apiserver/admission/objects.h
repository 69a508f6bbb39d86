// What plugins look up in the caches.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/codec.h"
#include "api/kinds.h"
#include "api/times.h"
#include "apiserver/access.h"
#include "apiserver/cache/cache.h"

namespace ph::apiserver {

// All objects of a kind, or those of a namespace, by name.
template <class T>
std::vector<std::unique_ptr<T>> objects_of(ObjectReader& reader, std::string_view namespace_name = {}) {
  const Snapshot snapshot = reader.cache(*reader.resource(api::schema_of<T>()))->snapshot();
  const std::string prefix = namespace_name.empty() ? std::string() : std::string(namespace_name) + "/";
  std::vector<std::unique_ptr<T>> out;
  for (auto at = snapshot.entries->lower_bound(prefix); at != snapshot.entries->end() && (*at)->key.starts_with(prefix); ++at) {
    auto object = std::make_unique<T>();
    api::decode_envelope(*(*at)->protobuf, *object);
    out.push_back(std::move(object));
  }
  return out;
}

// Of the classes that one of these annotations marks as the default the newest; of those of one second the first by name. Null: none.
template <class T>
std::unique_ptr<T> default_class(ObjectReader& reader, std::initializer_list<std::string_view> marks) {
  const auto made = [](const T& object) { return api::to_time(object.metadata().creation_timestamp()); };
  std::unique_ptr<T> found;
  for (std::unique_ptr<T>& object : objects_of<T>(reader)) {
    bool marked = false;
    for (const std::string_view mark : marks) {
      const auto at = object->metadata().annotations().find(mark);
      marked |= at != object->metadata().annotations().end() && at->second == "true";
    }
    if (marked && (!found || made(*object) > made(*found))) found = std::move(object);
  }
  return found;
}

}  // namespace ph::apiserver
