#include "controllers/hollow_csi/plan.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "api/quantity.h"
#include "api/times.h"
#include "api/volumes.h"
#include "controllers/common/conditions.h"
#include "controllers/common/protection.h"
#include "controllers/persistent_volume_binder/names.h"

namespace ph::controllers::hollow_csi {

using volume_binder::annotation, volume_binder::kProvisionedBy, volume_binder::kProvisioner, volume_binder::kProvisionerOfOld;

namespace {

constexpr const char* kResizing = "Resizing";
constexpr const char* kStorage = "storage";

template <class Map>
api::Quantity storage_of(const Map& amounts) {
  const auto found = amounts.find(kStorage);
  if (found == amounts.end()) return {};
  return api::Quantity::parse(found->second.string()).value_or(api::Quantity());
}

api::Quantity asked(const Claim& claim) { return storage_of(claim.spec().resources().requests()); }

// Of a claim that asks for a size.
const std::string& asked_text(const Claim& claim) { return claim.spec().resources().requests().at(kStorage).string(); }

bool made_by(const Volume& volume, std::string_view provisioner) { return annotation(volume, kProvisionedBy) == provisioner; }

bool has_finalizer(const Volume& volume) {
  return std::ranges::find(volume.metadata().finalizers(), kProvisionerFinalizer) != volume.metadata().finalizers().end();
}

core::v1::ObjectReference reference_to(const Claim& claim) {
  core::v1::ObjectReference out;
  out.set_api_version("v1");
  out.set_kind("PersistentVolumeClaim");
  out.set_namespace_(claim.metadata().namespace_());
  out.set_name(claim.metadata().name());
  out.set_uid(claim.metadata().uid());
  out.set_resource_version(claim.metadata().resource_version());
  return out;
}

// Only pods of that node reach it.
void bind_to_node(core::v1::PersistentVolumeSpec& spec, const core::v1::Node& node) {
  const auto& labels = node.metadata().labels();
  const auto hostname = labels.find("kubernetes.io/hostname");
  auto& term = *spec.mutable_node_affinity()->mutable_required()->add_node_selector_terms();
  auto& requirement = *term.add_match_expressions();
  requirement.set_key("kubernetes.io/hostname");
  requirement.set_operator_("In");
  requirement.add_values(hostname == labels.end() ? node.metadata().name() : hostname->second);
}

}  // namespace

// -- Making and deleting volumes

bool is_to_provision(const Claim& claim, std::string_view provisioner) {
  if (claim.metadata().has_deletion_timestamp() || !claim.spec().volume_name().empty()) return false;
  const std::string& asked_for = annotation(claim, kProvisioner);
  return (asked_for.empty() ? annotation(claim, kProvisionerOfOld) : asked_for) == provisioner;
}

const std::string& selected_node(const Claim& claim) { return annotation(claim, api::kSelectedNode); }

std::string volume_name(const Claim& claim) { return "pvc-" + claim.metadata().uid(); }

std::expected<Volume, std::string> volume_for(const Claim& claim, const storage::v1::StorageClass& of,
                                              const core::v1::Node* node) {
  if (claim.spec().has_data_source() || claim.spec().has_data_source_ref()) {
    return std::unexpected("volumes are not made of other volumes or of snapshots");
  }
  if (claim.spec().has_selector()) return std::unexpected("claim Selector is not supported");
  if (!(api::Quantity() < asked(claim))) return std::unexpected("the claim asks for no size");
  const bool is_directory = of.provisioner() == kHostPath;
  if (is_directory && !node) return std::unexpected("a directory is one of a node, and none has been chosen for the claim");
  if (is_directory && claim.spec().volume_mode() == "Block") return std::unexpected("a directory is no block device");

  Volume out;
  out.mutable_metadata()->set_name(volume_name(claim));
  (*out.mutable_metadata()->mutable_annotations())[kProvisionedBy] = of.provisioner();
  auto& spec = *out.mutable_spec();
  spec.set_persistent_volume_reclaim_policy(of.has_reclaim_policy() ? of.reclaim_policy() : "Delete");
  // Whoever deletes such a volume by hand has it deleted behind it, too.
  if (spec.persistent_volume_reclaim_policy() == "Delete") out.mutable_metadata()->add_finalizers(kProvisionerFinalizer);
  spec.set_storage_class_name(api::class_of(claim));
  *spec.mutable_access_modes() = claim.spec().access_modes();
  *spec.mutable_mount_options() = of.mount_options();
  if (claim.spec().has_volume_mode()) spec.set_volume_mode(claim.spec().volume_mode());
  if (claim.spec().has_volume_attributes_class_name()) {
    spec.set_volume_attributes_class_name(claim.spec().volume_attributes_class_name());
  }
  (*spec.mutable_capacity())[kStorage].set_string(asked_text(claim));
  *spec.mutable_claim_ref() = reference_to(claim);
  if (is_directory) {
    auto& path = *spec.mutable_persistent_volume_source()->mutable_host_path();
    path.set_path(fmt::format("/var/lib/pilothouse/volumes/{}", out.metadata().name()));
    path.set_type("DirectoryOrCreate");
    bind_to_node(spec, *node);
  } else {
    auto& csi = *spec.mutable_persistent_volume_source()->mutable_csi();
    csi.set_driver(kDriver);
    csi.set_volume_handle(out.metadata().name());
  }
  return out;
}

bool is_to_delete(const Volume& volume, std::string_view provisioner) {
  return made_by(volume, provisioner) && volume.status().phase() == "Released" &&
         volume.spec().persistent_volume_reclaim_policy() == "Delete" && !volume.metadata().has_deletion_timestamp();
}

bool is_to_let_go(const Volume& volume, std::string_view provisioner) {
  return made_by(volume, provisioner) && volume.metadata().has_deletion_timestamp() && volume.status().phase() != "Bound" &&
         has_finalizer(volume);
}

// -- Attaching

bool is_to_attach(const Attachment& attachment) {
  return !attachment.metadata().has_deletion_timestamp() && !attachment.status().attached();
}

bool is_shared(const Volume& volume) {
  return std::ranges::any_of(volume.spec().access_modes(),
                             [](const std::string& mode) { return mode == "ReadWriteMany" || mode == "ReadOnlyMany"; });
}

bool is_before(const Attachment& a, const Attachment& b) {
  const auto rank = [](const Attachment& each) {
    const bool has_begun = protection_of(each.metadata(), kAttacherFinalizer) == Protection::Fits;
    return std::tuple(!has_begun, api::to_time(each.metadata().creation_timestamp()), each.metadata().name());
  };
  return rank(a) < rank(b);
}

std::string taken_by(std::span<const informers::Ref<Attachment>> all) {
  // One that is deleted holds the volume until it is taken off.
  for (const auto& each : all) {
    if (each->status().attached()) return each->spec().node_name();
  }
  for (const auto& each : all) {
    if (is_to_attach(*each)) return each->spec().node_name();
  }
  return {};
}

// -- Growing

bool is_to_grow(const Claim& claim, const Volume& volume) {
  return claim.status().phase() == "Bound" && volume.spec().persistent_volume_source().csi().driver() == kDriver &&
         api::is_bound_to(volume, claim) && storage_of(claim.status().capacity()) < asked(claim);
}

std::optional<Claim> told_growing(const Claim& claim, const Volume& volume, Time now) {
  if (!(storage_of(volume.spec().capacity()) < asked(claim)) || find_condition(claim.status(), kResizing)) return std::nullopt;
  Claim out = claim;
  core::v1::PersistentVolumeClaimCondition condition;
  condition.set_type(kResizing);
  condition.set_status("True");
  api::set_time(condition.mutable_last_transition_time(), now);
  auto& status = *out.mutable_status();
  set_condition(status, std::move(condition));
  (*status.mutable_allocated_resources())[kStorage].set_string(asked_text(claim));
  (*status.mutable_allocated_resource_statuses())[kStorage] = "ControllerResizeInProgress";
  return out;
}

std::optional<Volume> grown(const Claim& claim, const Volume& volume) {
  if (!(storage_of(volume.spec().capacity()) < asked(claim))) return std::nullopt;
  Volume out = volume;
  (*out.mutable_spec()->mutable_capacity())[kStorage].set_string(asked_text(claim));
  return out;
}

Claim told_grown(const Claim& claim, const Volume& volume) {
  Claim out = claim;
  auto& status = *out.mutable_status();
  const std::string& size = volume.spec().capacity().at(kStorage).string();
  (*status.mutable_capacity())[kStorage].set_string(size);
  (*status.mutable_allocated_resources())[kStorage].set_string(size);
  status.mutable_allocated_resource_statuses()->erase(kStorage);
  drop_condition(status, kResizing);
  return out;
}

}  // namespace ph::controllers::hollow_csi
