// Objects that are large, many, and seldom looked at: their bytes are held, an eighth of what their messages take, and decoded for who
// looks.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "informers/informer.h"
#include "informers/metadata_view.h"

namespace ph::informers {

// What is known of any kind without decoding it.
struct PackedObject : MetadataView {
  LabelViews labels;
  std::string bytes;  // of the message, without its managed fields

  std::optional<std::string_view> label(std::string_view key) const { return find_label(labels, key); }
  void read(std::string_view protobuf);
};

// A view of all objects of class T.
template <class T>
struct Packed : PackedObject {
  T whole() const {
    T out;
    api::decode_protobuf(bytes, out);
    return out;
  }
};

template <class T>
struct Followed<Packed<T>> {
  static detail::Decoder decoder() {
    static constexpr auto packed = [](const void* view) -> const PackedObject& { return *static_cast<const Packed<T>*>(view); };
    return {.resource = api::Scheme::builtin().resource(api::schema_of<T>()),
            .decode = [](std::string_view bytes) -> detail::AnyRef {
              auto view = std::make_shared<Packed<T>>();
              view->read(bytes);
              return view;
            },
            .key = [](const void* view) { return packed(view).key_view(); },
            .revision = [](const void* view) { return packed(view).revision; },
            .uid = [](const void* view) -> std::string_view { return packed(view).uid; },
            .deleting = [](const void* view) { return packed(view).deletion.has_value(); },
            .metadata = detail::metadata_within<Packed<T>>};
  }
};

}  // namespace ph::informers
