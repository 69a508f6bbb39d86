// The volumes that have to be attached to a node before its kubelet mounts them, and how they are called. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "api/kinds.h"
#include "informers/pod_view.h"

namespace ph::controllers::attach_detach {

using Attachment = storage::v1::VolumeAttachment;
using Claim = core::v1::PersistentVolumeClaim;
using Driver = storage::v1::CSIDriver;
using Volume = core::v1::PersistentVolume;
using informers::PodView;

// A volume of a CSI driver.
struct CsiVolume {
  std::string name;            // of the PersistentVolume
  std::string driver, handle;  // its ID, and who knows it
  bool is_shared = false;      // may be attached to several nodes
  // As nodes tell it: "kubernetes.io/csi/<driver>^<handle>".
  std::string unique_name() const;
};
inline constexpr std::string_view kCsiPrefix = "kubernetes.io/csi/";
// Nothing: it is no CSI driver's.
std::optional<CsiVolume> csi_volume(const Volume& volume);

// "csi-<hash>": one for each volume and node.
std::string attachment_name(const CsiVolume& volume, const std::string& node);
Attachment attachment_of(const CsiVolume& volume, const std::string& node);
// It has a name as the loop gives them: others are left alone.
bool is_named_by_us(const Attachment& attachment);

// The pod keeps its volumes attached to its node.
bool holds_volumes(const PodView& pod);
// The pod's claim, as one of its volumes names it, is bound, and the volume knows.
bool is_bound_for(const PodView& pod, const informers::ClaimView& named, const Claim& claim, const Volume& volume);
// A driver that nobody has described attaches, too.
bool needs_attaching(const Driver* driver);

}  // namespace ph::controllers::attach_detach
