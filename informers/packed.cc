#include "informers/packed.h"

#include "api/wire_records.h"

namespace ph::informers {
namespace {

// Field numbers: of any object; of ObjectMeta.
constexpr unsigned kMetadata = 1, kLabels = 11, kManagedFields = 17;

}  // namespace

void PackedObject::read(std::string_view protobuf) {
  std::string kept, metadata;
  kept.reserve(protobuf.size());
  for (api::wire::Records in(protobuf); in.next();) {
    if (in.field() != kMetadata) {
      kept += in.whole();
      continue;
    }
    metadata.clear();
    for (api::wire::Records field(in.text()); field.next();) {
      if (field.field() == kManagedFields) continue;
      if (field.field() == kLabels) add_label(labels, field.text());
      take(field);
      metadata += field.whole();
    }
    api::wire::append_bytes(kMetadata, metadata, kept);
  }
  sort_labels(labels);
  bytes = std::string(kept);  // with nothing to spare
}

}  // namespace ph::informers
