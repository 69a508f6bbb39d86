#include "controllers/persistent_volume_binder/writes.h"

#include <algorithm>

#include "api/csi_migration.h"
#include "api/quantity.h"
#include "api/volumes.h"
#include "controllers/common/protection.h"
#include "informers/recorder.h"

namespace ph::controllers::volume_binder {
namespace {

template <class T>
void annotate(T& object, const char* name, const std::string& value) {
  (*object.mutable_metadata()->mutable_annotations())[name] = value;
}

// The driver that has taken over the plugin of that name; empty: none.
std::string driver_for(const std::string& plugin) {
  const api::MigratedPlugin* found = api::migrated_plugin(plugin);
  return found ? std::string(found->driver) : std::string();
}

// Whether the object's annotation was changed to say where `plugin` has moved.
template <class T>
bool tell_migration(T& object, const std::string& plugin) {
  const std::string driver = driver_for(plugin);
  if (annotation(object, kMigratedTo) == driver) return false;
  if (driver.empty()) object.mutable_metadata()->mutable_annotations()->erase(kMigratedTo);
  else annotate(object, kMigratedTo, driver);
  return true;
}

// Volumes that a plugin of the manager's own has made, and is to delete, stay until it has.
bool tell_deletion(Volume& volume, const std::string& maker) {
  const auto& finalizers = volume.metadata().finalizers();
  const bool has = std::ranges::find(finalizers, kDeletionFinalizer) != finalizers.end();
  const bool migrated = !driver_for(maker).empty();
  if (!migrated && !maker.starts_with("kubernetes.io/")) return false;
  const std::string& policy = volume.spec().persistent_volume_reclaim_policy();
  const bool wants = !migrated && policy == "Delete";
  const bool must_not = migrated || policy == "Retain" || policy == "Recycle";
  if (wants && !has) return add_finalizer(*volume.mutable_metadata(), kDeletionFinalizer), true;
  if (must_not && has) return drop_finalizer(*volume.mutable_metadata(), kDeletionFinalizer), true;
  return false;
}

std::optional<std::string> size_for(const Volume& volume) {
  const auto found = volume.spec().capacity().find("storage");
  if (found == volume.spec().capacity().end()) return std::nullopt;
  return found->second.string();
}

}  // namespace

std::optional<Volume> claimed_by(const Volume& volume, const Claim& claim) {
  const bool is_kept = api::is_bound_to(volume, claim);
  if (is_kept && volume.spec().claim_ref().uid() == claim.metadata().uid()) return std::nullopt;
  Volume out = volume;
  *out.mutable_spec()->mutable_claim_ref() = informers::reference_to(claim);
  // Who has the mark already keeps it as it is.
  if (!is_kept && !out.metadata().annotations().contains(api::kBoundByController)) annotate(out, api::kBoundByController, "yes");
  return out;
}

std::optional<Volume> given_up(const Volume& volume) {
  if (!volume.spec().has_claim_ref()) return std::nullopt;
  Volume out = volume;
  if (volume.metadata().annotations().contains(api::kBoundByController)) {
    out.mutable_spec()->clear_claim_ref();
    out.mutable_metadata()->mutable_annotations()->erase(api::kBoundByController);
  } else {
    out.mutable_spec()->mutable_claim_ref()->clear_uid();
  }
  return out;
}

std::optional<Claim> bound_to(const Claim& claim, const Volume& volume) {
  const auto& annotations = claim.metadata().annotations();
  const bool names_it = claim.spec().volume_name() == volume.metadata().name();
  if (names_it && annotations.contains(api::kBindCompleted)) return std::nullopt;
  Claim out = claim;
  if (!names_it) {
    out.mutable_spec()->set_volume_name(volume.metadata().name());
    if (!annotations.contains(api::kBoundByController)) annotate(out, api::kBoundByController, "yes");
  }
  annotate(out, api::kBindCompleted, "yes");
  return out;
}

std::optional<Claim> with_provisioner(const Claim& claim, const std::string& name) {
  if (annotation(claim, kProvisioner) == name) return std::nullopt;
  Claim out = claim;
  annotate(out, kProvisionerOfOld, name);
  annotate(out, kProvisioner, name);
  tell_migration(out, name);
  return out;
}

Claim with_class(const Claim& claim, const StorageClass& of) {
  Claim out = claim;
  out.mutable_spec()->set_storage_class_name(of.metadata().name());
  return out;
}

std::optional<Claim> with_migration(const Claim& claim) {
  const auto& annotations = claim.metadata().annotations();
  const char* key = annotations.contains(kProvisioner) ? kProvisioner : kProvisionerOfOld;
  if (!annotations.contains(key)) return std::nullopt;
  Claim out = claim;
  return tell_migration(out, annotation(claim, key)) ? std::optional(std::move(out)) : std::nullopt;
}

std::optional<Volume> with_migration(const Volume& volume) {
  if (!volume.metadata().annotations().contains(kProvisionedBy)) return std::nullopt;
  const std::string& maker = annotation(volume, kProvisionedBy);
  Volume out = volume;
  const bool moved = tell_migration(out, maker), held = tell_deletion(out, maker);
  return moved || held ? std::optional(std::move(out)) : std::nullopt;
}

std::optional<Volume> in_phase(const Volume& volume, const std::string& phase, const std::string& message) {
  if (volume.status().phase() == phase) return std::nullopt;
  Volume out = volume;
  out.mutable_status()->set_phase(phase);
  out.mutable_status()->set_message(message);
  return out;
}

std::optional<Claim> in_phase(const Claim& claim, const std::string& phase) {
  const auto& before = claim.status();
  const bool is_bare =
      before.access_modes().empty() && before.capacity().empty() && !before.has_current_volume_attributes_class_name();
  if (is_bare && before.phase() == phase) return std::nullopt;
  Claim out = claim;
  auto& status = *out.mutable_status();
  status.set_phase(phase);
  status.clear_access_modes();
  status.clear_capacity();
  status.clear_current_volume_attributes_class_name();
  return out;
}

std::optional<Claim> told_bound(const Claim& claim, const Volume& volume) {
  const bool becomes = claim.status().phase() != kBound;
  const auto size = size_for(volume);
  if (becomes && !size) return std::nullopt;
  const bool same_modes = std::ranges::equal(claim.status().access_modes(), volume.spec().access_modes());
  if (!becomes && same_modes) return std::nullopt;
  Claim out = claim;
  auto& status = *out.mutable_status();
  *status.mutable_access_modes() = volume.spec().access_modes();
  if (!becomes) return out;
  status.set_phase(kBound);
  if (const std::string& before = annotation(volume, kPreResizeCapacity); !before.empty()) {
    (*status.mutable_capacity())["storage"].set_string(api::Quantity::parse(before) ? before : *size);
  } else {
    *status.mutable_capacity() = volume.spec().capacity();
  }
  if (volume.spec().has_volume_attributes_class_name())
    status.set_current_volume_attributes_class_name(volume.spec().volume_attributes_class_name());
  else status.clear_current_volume_attributes_class_name();
  return out;
}

}  // namespace ph::controllers::volume_binder
