#include "controllers/selinux_warning/pod_mounts.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/codec.h"

namespace ph::controllers::selinux_warning {
namespace {

using core::v1::Pod;

// As nodes name them.
template <class Source>
std::string iscsi_name(const Source& iscsi) {
  return fmt::format("kubernetes.io/iscsi/{}:{}:{}", iscsi.target_portal(), iscsi.iqn(), iscsi.lun());
}
std::string fc_name(const core::v1::FCVolumeSource& fc) {
  if (fc.target_wwns_size() > 0) return fmt::format("kubernetes.io/fc/[{}]:{}", fmt::join(fc.target_wwns(), " "), fc.lun());
  return fmt::format("kubernetes.io/fc/[{}]", fmt::join(fc.wwids(), " "));
}

// The labels that containers bring, by the names of the volumes they mount.
using Labels = std::map<std::string, std::set<std::string>>;

// A container's own options stand in the place of the pod's, all of them.
template <class Container>
void note_mounts(const Container& container, const core::v1::PodSpec& spec, Labels& labels) {
  const core::v1::SELinuxOptions* options = nullptr;
  if (spec.security_context().has_se_linux_options()) options = &spec.security_context().se_linux_options();
  if (container.security_context().has_se_linux_options()) options = &container.security_context().se_linux_options();
  for (const auto& mount : container.volume_mounts()) {
    std::set<std::string>& of_volume = labels[mount.name()];
    if (options) of_volume.insert(label_of(*options));
  }
}

bool read_source(const core::v1::Volume& volume, const std::string& pod, MountedVolume& out) {
  const core::v1::VolumeSource& source = volume.volume_source();
  if (source.has_persistent_volume_claim()) {
    out.claim = source.persistent_volume_claim().claim_name();
  } else if (source.has_ephemeral()) {
    out.claim = pod + "-" + volume.name();
    out.is_generic_ephemeral = true;
  } else if (source.has_iscsi()) {
    out.unique_name = iscsi_name(source.iscsi());
  } else if (source.has_fc()) {
    out.unique_name = fc_name(source.fc());
  } else {
    return false;
  }
  return true;
}

void read_volumes(const Pod& pod, PodMounts& out) {
  const core::v1::PodSpec& spec = pod.spec();
  Labels labels;
  for (const auto& container : spec.init_containers()) note_mounts(container, spec, labels);
  for (const auto& container : spec.containers()) note_mounts(container, spec, labels);
  for (const auto& container : spec.ephemeral_containers()) note_mounts(container.ephemeral_container_common(), spec, labels);
  for (const auto& volume : spec.volumes()) {
    const auto mounted = labels.find(volume.name());
    MountedVolume known{.name = volume.name()};
    if (mounted == labels.end() || !read_source(volume, pod.metadata().name(), known)) continue;
    known.labels.assign(mounted->second.begin(), mounted->second.end());
    out.volumes.push_back(std::move(known));
  }
  out.asks_for_recursive = spec.security_context().se_linux_change_policy() == kRecursive;
  out.has_finished = pod.status().phase() == "Succeeded" || pod.status().phase() == "Failed";
}

}  // namespace

std::string label_of(const core::v1::SELinuxOptions& options) {
  std::string out = fmt::format("{}:{}:{}:{}", options.user(), options.role(), options.type(), options.level());
  return out == ":::" ? std::string() : out;
}

std::optional<KnownVolume> known_volume(const core::v1::PersistentVolume& volume) {
  const core::v1::PersistentVolumeSource& source = volume.spec().persistent_volume_source();
  if (source.has_csi())
    return KnownVolume{fmt::format("kubernetes.io/csi/{}^{}", source.csi().driver(), source.csi().volume_handle()),
                       source.csi().driver()};
  if (source.has_iscsi()) return KnownVolume{iscsi_name(source.iscsi()), {}};
  if (source.has_fc()) return KnownVolume{fc_name(source.fc()), {}};
  return std::nullopt;
}

std::shared_ptr<const PodMounts> PodMounts::decode(std::string_view protobuf) {
  Pod pod;
  api::decode_protobuf(protobuf, pod);
  auto out = std::make_shared<PodMounts>();
  static_cast<informers::MetadataView&>(*out) = *informers::MetadataView::decode(protobuf);
  read_volumes(pod, *out);
  return out;
}

std::shared_ptr<const PodMounts> PodMounts::of(const Pod& pod) { return decode(api::encode_protobuf(pod)); }

}  // namespace ph::controllers::selinux_warning

namespace ph::informers {

detail::Decoder Followed<controllers::selinux_warning::PodMounts>::decoder() {
  using controllers::selinux_warning::PodMounts;
  const auto view = [](const void* object) { return static_cast<const PodMounts*>(object); };
  return {.resource = api::Scheme::builtin().resource("", "v1", "pods"),
          .decode = [](std::string_view bytes) -> detail::AnyRef { return PodMounts::decode(bytes); },
          .key = [=](const void* object) { return view(object)->key_view(); },
          .revision = [=](const void* object) { return view(object)->revision; },
          .uid = [=](const void* object) -> std::string_view { return view(object)->uid; },
          .deleting = [=](const void* object) { return view(object)->deletion.has_value(); },
          .metadata = detail::metadata_within<PodMounts>};
}

}  // namespace ph::informers
