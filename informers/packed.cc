#include "informers/packed.h"

#include "informers/wire.h"

namespace ph::informers {
namespace {

// Field numbers: of any object; of ObjectMeta.
constexpr int kMetadata = 1, kLabels = 11, kManagedFields = 17;

}  // namespace

void PackedObject::read(std::string_view protobuf) {
  std::string kept, metadata;
  kept.reserve(protobuf.size());
  for (WireReader in(protobuf); in.next();) {
    if (in.field() != kMetadata) {
      kept += in.whole();
      continue;
    }
    metadata.clear();
    for (WireReader field(in.text()); field.next();) {
      if (field.field() == kManagedFields) continue;
      if (field.field() == kLabels) add_label(labels, field.text());
      take(field);
      metadata += field.whole();
    }
    append_field(kept, kMetadata, metadata);
  }
  sort_labels(labels);
  bytes = std::string(kept);  // with nothing to spare
}

}  // namespace ph::informers
