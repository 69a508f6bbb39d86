// What scheduling has to know of a pod's volumes: claims, and disks that pods or nodes cannot share at will.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/csi_migration.h"
#include "api/kinds.h"
#include "informers/pod_view.h"

namespace ph::scheduler {

using informers::Interned;

// A disk that several pods of one node may use only under conditions.
struct SharedDisk {
  enum class Kind : std::uint8_t { Gce, Aws, Iscsi, Rbd } kind;
  bool read_only = false;
  Interned id;                     // the disk's, the volume's, the IQN, the image
  Interned pool;                   // of Rbd
  std::vector<Interned> monitors;  // of Rbd

  // Two pods cannot have these on one node.
  bool conflicts_with(const SharedDisk& other) const;
};

struct PodVolumes {
  struct Claim {
    Interned name;
    bool ephemeral = false;  // made for the pod, and owned by it
  };
  // Of a disk of the pod's own that counts among those of a CSI driver.
  struct Attached {
    const api::MigratedPlugin* plugin;
    Interned handle;
  };
  std::vector<Claim> claims;  // in the order of the volumes
  std::vector<SharedDisk> disks;
  std::vector<Attached> attached;

  bool uses(const Interned& claim) const;
};

// Null: the pod has none of these.
std::shared_ptr<const PodVolumes> pod_volumes(const core::v1::Pod& pod);

// The name of the claim that a volume stands for: the one it names, or the one that is made for it. Empty: it stands for none.
std::string claim_name(const core::v1::Pod& pod, const core::v1::Volume& volume);

// Why a claim is not the one that was made for an ephemeral volume of the pod; empty: it is.
std::string not_made_for(const core::v1::Pod& pod, const core::v1::PersistentVolumeClaim& claim);

}  // namespace ph::scheduler
