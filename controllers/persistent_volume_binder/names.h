// What binding is written in: upstream's annotations, finalizer, reasons. Which annotations say that a binding is complete, and whose
// it is: api/volumes.h.
#pragma once

#include <string>
#include <string_view>

#include "api/kinds.h"

namespace ph::controllers::volume_binder {

using Claim = core::v1::PersistentVolumeClaim;
using Volume = core::v1::PersistentVolume;
using StorageClass = storage::v1::StorageClass;

// Of a claim: who is to make its volume. The first is upstream's old name for it.
inline constexpr const char* kProvisionerOfOld = "volume.beta.kubernetes.io/storage-provisioner";
inline constexpr const char* kProvisioner = "volume.kubernetes.io/storage-provisioner";
// Of a volume: who has made it.
inline constexpr const char* kProvisionedBy = "pv.kubernetes.io/provisioned-by";
// Of either: the CSI driver that has taken over the plugin these name.
inline constexpr const char* kMigratedTo = "pv.kubernetes.io/migrated-to";
// Of a volume: its capacity before it grew, while its file system has not yet.
inline constexpr const char* kPreResizeCapacity = "volume.alpha.kubernetes.io/pre-resize-capacity";
// Of a volume that a plugin of the manager's own has made and is to delete.
inline constexpr const char* kDeletionFinalizer = "kubernetes.io/pv-controller";

inline constexpr const char* kAvailable = "Available";
inline constexpr const char* kBound = "Bound";
inline constexpr const char* kReleased = "Released";
inline constexpr const char* kFailed = "Failed";
inline constexpr const char* kPending = "Pending";
inline constexpr const char* kLost = "Lost";

// An event.
struct Told {
  const char* type = "Normal";
  std::string reason;
  std::string message;
};

// Empty: there is none.
template <class T>
const std::string& annotation(const T& object, const char* name) {
  static const std::string kNone;
  const auto found = object.metadata().annotations().find(name);
  return found == object.metadata().annotations().end() ? kNone : found->second;
}

}  // namespace ph::controllers::volume_binder
