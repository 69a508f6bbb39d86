// Whole messages of some objects of a kind, chosen by their fields.
#pragma once

#include <memory>
#include <string_view>

#include "informers/informer.h"
#include "informers/request.h"

namespace ph::informers {

// A view of an object of class T: all of it but its managed fields, for whoever writes it back. Followed are those that `Which::fields()` selects, a field
// selector; each `Which` has an informer of its own.
template <class T, class Which>
struct Selected {
  T object;
  ObjectKey key() const { return key_of(object); }
};

template <class T, class Which>
struct Followed<Selected<T, Which>> {
  static detail::Decoder decoder() {
    static constexpr auto object = [](const void* view) -> const T& {
      return static_cast<const Selected<T, Which>*>(view)->object;
    };
    return {.resource = api::Scheme::builtin().resource(api::schema_of<T>()),
            .field_selector = Which::fields(),
            .decode = [](std::string_view bytes) -> detail::AnyRef {
              auto view = std::make_shared<Selected<T, Which>>();
              api::decode_protobuf(bytes, view->object);
              detail::drop_managed_fields(*view->object.mutable_metadata());
              return view;
            },
            .key = [](const void* view) { return KeyView::of(object(view)); },
            .revision = [](const void* view) { return parse_revision(object(view).metadata().resource_version()); },
            .uid = [](const void* view) -> std::string_view { return object(view).metadata().uid(); },
            .deleting = [](const void* view) { return object(view).metadata().has_deletion_timestamp(); }};
  }
};

}  // namespace ph::informers
