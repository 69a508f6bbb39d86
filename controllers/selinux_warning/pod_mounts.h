// What a pod's containers mount, and with which SELinux labels. Pure.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/kinds.h"
#include "informers/metadata_view.h"

namespace ph::controllers::selinux_warning {

inline constexpr std::string_view kMountOption = "MountOption", kRecursive = "Recursive";

// A volume that some container mounts and that others may use, too.
struct MountedVolume {
  std::string name;                   // in the pod
  std::string claim;                  // empty: it stands in the pod itself
  bool is_generic_ephemeral = false;  // the claim is to be the pod's own
  std::string unique_name;            // of one that stands in the pod
  // Of the containers that mount it and have options, each once, in order. "" is that of options that say nothing.
  std::vector<std::string> labels;
};

// A pod as the loop follows it: views for all loops (PodView) know nothing of mounts.
struct PodMounts : informers::MetadataView {
  bool has_finished = false;
  bool asks_for_recursive = false;  // securityContext.seLinuxChangePolicy
  std::vector<MountedVolume> volumes;

  static std::shared_ptr<const PodMounts> decode(std::string_view protobuf);
  static std::shared_ptr<const PodMounts> of(const core::v1::Pod& pod);
};

// "user:role:type:level"; what is not said is empty, and who says nothing has no label. Nodes know their defaults, nobody here does.
std::string label_of(const core::v1::SELinuxOptions& options);

// A volume's name over all pods and who may mount it with a label; nothing: it is of no kind that could be mounted so.
struct KnownVolume {
  std::string unique_name;
  std::string driver;  // of CSI; empty: iSCSI or Fibre Channel, which always can
};
std::optional<KnownVolume> known_volume(const core::v1::PersistentVolume& volume);

}  // namespace ph::controllers::selinux_warning

namespace ph::informers {
template <>
struct Followed<controllers::selinux_warning::PodMounts> {
  static detail::Decoder decoder();
};
}  // namespace ph::informers
