#include "informers/metadata_view.h"

#include <algorithm>

#include "api/wire_records.h"
#include "informers/request.h"

namespace ph::informers {

namespace wire = api::wire;

bool MetadataView::has_finalizer(std::string_view wanted) const {
  return std::ranges::any_of(finalizers, [&](const Interned& finalizer) { return finalizer == wanted; });
}

std::shared_ptr<const MetadataView> MetadataView::decode(std::string_view protobuf) {
  auto out = std::make_shared<MetadataView>();
  for (wire::Records in(wire::member_of(protobuf, 1)); in.next();) {
    switch (in.field()) {
      case 1: out->name = in.text(); break;
      case 3: out->namespace_name = Interned(in.text()); break;
      case 5: out->uid = in.text(); break;
      case 6: out->revision = parse_revision(in.text()); break;
      case 9: out->deletion = wire_time(in.text()); break;
      case 13: out->owners.push_back(wire_owner(in.text())); break;
      case 14: out->finalizers.emplace_back(in.text()); break;
    }
  }
  return out;
}

namespace detail {

Decoder metadata_decoder(api::ResourceRef resource) {
  const auto view = [](const void* object) { return static_cast<const MetadataView*>(object); };
  return {.resource = resource.get(),
          .metadata_only = true,
          .decode = [](std::string_view bytes) -> AnyRef { return MetadataView::decode(bytes); },
          .key = [=](const void* object) { return view(object)->key(); },
          .revision = [=](const void* object) { return view(object)->revision; },
          .uid = [=](const void* object) -> std::string_view { return view(object)->uid; },
          .deleting = [=](const void* object) { return view(object)->deletion.has_value(); },
          .kept_resource = resource};
}

}  // namespace detail
}  // namespace ph::informers
