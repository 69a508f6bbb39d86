// Volumes for one machine: of the hollow CSI driver, which are nothing but objects, and of directories of a node. Pure.
// Reference: the sidecars external-provisioner, external-attacher and external-resizer; "Dynamic Volume Provisioning".
#pragma once

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "api/kinds.h"
#include "base/time.h"
#include "informers/informer.h"

namespace ph::controllers::hollow_csi {

using Claim = core::v1::PersistentVolumeClaim;
using Volume = core::v1::PersistentVolume;
using Attachment = storage::v1::VolumeAttachment;

inline constexpr const char* kDriver = "hollow.csi.pilothouse.dev";
inline constexpr const char* kHostPath = "pilothouse.dev/host-path";

// -- Making and deleting volumes

inline constexpr const char* kProvisionerFinalizer = "external-provisioner.volume.kubernetes.io/finalizer";

// The claim waits for `provisioner` to make its volume.
bool is_to_provision(const Claim& claim, std::string_view provisioner);
// The node that the claim's volume is to be made for; empty: none has been chosen.
const std::string& selected_node(const Claim& claim);
std::string volume_name(const Claim& claim);
// The volume of a claim that waits for it, or why there can be none. A directory is one of `node`, which may be null for the driver.
std::expected<Volume, std::string> volume_for(const Claim& claim, const storage::v1::StorageClass& of,
                                              const core::v1::Node* node);

// Its claim is gone, and `provisioner` has made it to go with that.
bool is_to_delete(const Volume& volume, std::string_view provisioner);
// It is going, and nothing but the provisioner's word is missing.
bool is_to_let_go(const Volume& volume, std::string_view provisioner);

// -- Attaching

inline constexpr const char* kAttacherFinalizer = "external-attacher/hollow-csi-pilothouse-dev";

// Somebody asks for it, and it is not told that it is done.
bool is_to_attach(const Attachment& attachment);
// More than one node may have it at once.
bool is_shared(const Volume& volume);
// Who of those that ask for one volume gets it first: whose finalizer says that the driver has begun with it, then who asked first.
bool is_before(const Attachment& a, const Attachment& b);
// The node that a volume for one node is on, or else will be on; empty: nobody asks for it. `all`: its attachments, ordered by `is_before`.
std::string taken_by(std::span<const informers::Ref<Attachment>> all);

// -- Growing. A step is what the next write of the claim's status, or of the volume, makes of it.

// Bound to the volume, which is the driver's, and asks for more than it has been told it has.
bool is_to_grow(const Claim& claim, const Volume& volume);
// The status tells that the driver is at work; nothing: it does already, or there is none to be done.
std::optional<Claim> told_growing(const Claim& claim, const Volume& volume, Time now);
// The volume as large as the claim asks; nothing: it is.
std::optional<Volume> grown(const Claim& claim, const Volume& volume);
// The status tells that all is done.
Claim told_grown(const Claim& claim, const Volume& volume);

}  // namespace ph::controllers::hollow_csi
