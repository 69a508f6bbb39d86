// Finalizers that keep an object while others use it: each object has it until it is deleted and unused (upstream:
// pkg/controller/volume/protectionutil). Pure.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "meta/v1.pb.h"

namespace ph::controllers {

// What a protection loop has to do about an object.
enum class Protection {
  Fits,     // nothing: it has the finalizer, or is deleted and does not
  Lacks,    // it is to get the finalizer
  Leaving,  // it is deleted, and the finalizer holds it: goes when nobody uses the object
};
inline Protection protection_of(const meta::v1::ObjectMeta& metadata, std::string_view finalizer) {
  const bool has = std::ranges::find(metadata.finalizers(), finalizer) != metadata.finalizers().end();
  if (metadata.has_deletion_timestamp()) return has ? Protection::Leaving : Protection::Fits;
  return has ? Protection::Fits : Protection::Lacks;
}

inline void add_finalizer(meta::v1::ObjectMeta& metadata, std::string_view finalizer) {
  metadata.add_finalizers(std::string(finalizer));
}
inline void drop_finalizer(meta::v1::ObjectMeta& metadata, std::string_view finalizer) {
  auto& all = *metadata.mutable_finalizers();
  all.erase(std::remove(all.begin(), all.end(), finalizer), all.end());
}

}  // namespace ph::controllers
