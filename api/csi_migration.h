// In-tree volumes that a CSI driver has taken over: which driver, and what the volume is called there.
// Reference: "CSI migration" in the documentation of volumes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/kinds.h"

namespace ph::api {

struct MigratedPlugin {
  std::string_view in_tree;  // kubernetes.io/aws-ebs
  std::string_view driver;   // ebs.csi.aws.com
  // Volumes of it are limited by their driver on a node: always, or on nodes that say so, or never.
  enum class Counted { Always, OnMigratedNodes, Never } counted;
};

// By the in-tree name. Null: no driver has taken it over.
const MigratedPlugin* migrated_plugin(std::string_view in_tree);

struct MigratedVolume {
  const MigratedPlugin* plugin;
  std::string handle;
};

// Nothing: it is no such volume.
std::optional<MigratedVolume> migrated(const core::v1::VolumeSource& volume);
std::optional<MigratedVolume> migrated(const core::v1::PersistentVolume& volume);

// Whether `plugin`'s volumes count among its driver's on the node. Null: the node has no CSINode.
bool counts_as_csi(const MigratedPlugin& plugin, const storage::v1::CSINode* node);
// The plugins that the node says it has migrated: a list separated by commas. Empty: none.
std::string_view migrated_plugins_of(const storage::v1::CSINode& node);

}  // namespace ph::api
