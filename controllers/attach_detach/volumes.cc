#include "controllers/attach_detach/volumes.h"

#include <algorithm>

#include "base/sha256.h"
#include "controllers/common/ownership.h"

namespace ph::controllers::attach_detach {
namespace {

constexpr std::string_view kNamePrefix = "csi-";
constexpr std::size_t kHashLength = 64;

// One that says nothing may be attached anywhere.
bool is_shared(const core::v1::PersistentVolumeSpec& spec) {
  const auto& modes = spec.access_modes();
  return modes.empty() ||
         std::ranges::any_of(modes, [](const std::string& mode) { return mode == "ReadWriteMany" || mode == "ReadOnlyMany"; });
}

}  // namespace

std::string CsiVolume::unique_name() const { return std::string(kCsiPrefix) + driver + "^" + handle; }

std::optional<CsiVolume> csi_volume(const Volume& volume) {
  if (!volume.spec().persistent_volume_source().has_csi()) return std::nullopt;
  const core::v1::CSIPersistentVolumeSource& csi = volume.spec().persistent_volume_source().csi();
  if (csi.driver().empty() || csi.volume_handle().empty()) return std::nullopt;
  return CsiVolume{.name = volume.metadata().name(),
                   .driver = csi.driver(),
                   .handle = csi.volume_handle(),
                   .is_shared = is_shared(volume.spec())};
}

std::string attachment_name(const CsiVolume& volume, const std::string& node) {
  return std::string(kNamePrefix) + sha256_hex(volume.handle + volume.driver + node);
}

Attachment attachment_of(const CsiVolume& volume, const std::string& node) {
  Attachment out;
  out.mutable_metadata()->set_name(attachment_name(volume, node));
  out.mutable_spec()->set_attacher(volume.driver);
  out.mutable_spec()->set_node_name(node);
  out.mutable_spec()->mutable_source()->set_persistent_volume_name(volume.name);
  return out;
}

bool is_named_by_us(const Attachment& attachment) {
  const std::string& name = attachment.metadata().name();
  if (name.size() != kNamePrefix.size() + kHashLength || !name.starts_with(kNamePrefix)) return false;
  return std::all_of(name.begin() + kNamePrefix.size(), name.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool holds_volumes(const PodView& pod) { return !pod.node_name.empty() && !pod.finished() && !pod.claims.empty(); }

bool is_bound_for(const PodView& pod, const informers::ClaimView& named, const Claim& claim, const Volume& volume) {
  if (named.generic_ephemeral && controller_uid(claim) != pod.uid) return false;
  if (claim.status().phase() != "Bound" || claim.spec().volume_name() != volume.metadata().name()) return false;
  return volume.spec().claim_ref().uid() == claim.metadata().uid();
}

bool needs_attaching(const Driver* driver) {
  return !driver || !driver->spec().has_attach_required() || driver->spec().attach_required();
}

}  // namespace ph::controllers::attach_detach
