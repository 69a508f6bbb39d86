// MetadataView: what the garbage collector and the namespace loop need of any object, decoded straight from the wire. Views of kinds
// begin with it, so that who follows an object's kind needs no second copy of its metadata.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/revision.h"
#include "base/time.h"
#include "informers/informer.h"
#include "informers/interned.h"

namespace ph::api::wire {
class Records;
}

namespace ph::informers {

struct OwnerView {
  Interned kind, name, uid, api_version;
  bool controller = false;
  bool block_deletion = false;
};

// Sorted by key.
using LabelViews = std::vector<std::pair<Interned, Interned>>;
std::optional<std::string_view> find_label(const LabelViews& labels, std::string_view key);
// Adds an entry of a map of labels, wherever.
void add_label(LabelViews& labels, std::string_view entry);
void sort_labels(LabelViews& labels);

// From the bytes of a Time and of an OwnerReference.
Time wire_time(std::string_view bytes);
OwnerView wire_owner(std::string_view bytes);

struct MetadataView {
  Interned namespace_name;
  std::string name, uid;
  Revision revision;
  std::vector<OwnerView> owners;
  std::vector<Interned> finalizers;
  std::optional<Time> deletion;  // deletionTimestamp

  KeyView key_view() const { return {namespace_name, name}; }
  ObjectKey key() const { return key_view().owned(); }
  bool has_finalizer(std::string_view name) const;

  // Takes the field of ObjectMeta that the reader stands at, if it is one of these.
  void take(const api::wire::Records& in);
  // From the bytes of any object: metadata is field 1 of all.
  static std::shared_ptr<const MetadataView> decode(std::string_view protobuf);
  static std::shared_ptr<const MetadataView> of(const meta::v1::ObjectMeta& metadata);
};

// The index of metadata informers by the UIDs of owners.
inline constexpr const char* kByOwner = "owner";

namespace detail {
Decoder metadata_decoder(api::ResourceRef resource);

// Decoder::metadata of views that begin with theirs.
template <class View>
AnyRef metadata_within(const AnyRef& view) {
  return AnyRef(view, static_cast<const MetadataView*>(static_cast<const View*>(view.get())));
}
}  // namespace detail

}  // namespace ph::informers
