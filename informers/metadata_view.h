// MetadataView: what the garbage collector and the namespace loop need of any object, decoded straight from the wire.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/revision.h"
#include "base/time.h"
#include "informers/pod_view.h"

namespace ph::informers {

struct MetadataView {
  Interned namespace_name;
  std::string name, uid;
  Revision revision;
  std::vector<OwnerView> owners;
  std::vector<Interned> finalizers;
  std::optional<Time> deletion;  // deletionTimestamp

  ObjectKey key() const { return {std::string(namespace_name.view()), name}; }
  bool has_finalizer(std::string_view name) const;

  // From the bytes of any object: metadata is field 1 of all.
  static std::shared_ptr<const MetadataView> decode(std::string_view protobuf);
};

// The index of metadata informers by the UIDs of owners.
inline constexpr const char* kByOwner = "owner";

namespace detail {
Decoder metadata_decoder(api::ResourceRef resource);
}

}  // namespace ph::informers
