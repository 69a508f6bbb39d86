// The smallest valid claims, volumes and classes, for tests of the loops that look after them.
#pragma once

#include <string>
#include <vector>

#include "api/kinds.h"
#include "api/object.h"
#include "api/times.h"

namespace ph::controllers {

class ClaimBuilder {
 public:
  explicit ClaimBuilder(const std::string& key) {
    const ObjectKey parsed = ObjectKey::parse(key);
    claim_.mutable_metadata()->set_namespace_(parsed.namespace_name);
    claim_.mutable_metadata()->set_name(parsed.name);
    claim_.mutable_spec()->add_access_modes("ReadWriteOnce");
    size("1Gi");
  }
  ClaimBuilder& uid(const std::string& uid) { return claim_.mutable_metadata()->set_uid(uid), *this; }
  ClaimBuilder& size(const std::string& size) {
    return (*claim_.mutable_spec()->mutable_resources()->mutable_requests())["storage"].set_string(size), *this;
  }
  ClaimBuilder& modes(const std::vector<std::string>& modes) {
    return claim_.mutable_spec()->mutable_access_modes()->Assign(modes.begin(), modes.end()), *this;
  }
  ClaimBuilder& block() { return claim_.mutable_spec()->set_volume_mode("Block"), *this; }
  ClaimBuilder& of_class(const std::string& name) { return claim_.mutable_spec()->set_storage_class_name(name), *this; }
  ClaimBuilder& attributes(const std::string& name) {
    return claim_.mutable_spec()->set_volume_attributes_class_name(name), *this;
  }
  ClaimBuilder& volume(const std::string& name) { return claim_.mutable_spec()->set_volume_name(name), *this; }
  ClaimBuilder& selects(const std::string& key, const std::string& value) {
    return (*claim_.mutable_spec()->mutable_selector()->mutable_match_labels())[key] = value, *this;
  }
  ClaimBuilder& noted(const std::string& key, const std::string& value = "yes") {
    return (*claim_.mutable_metadata()->mutable_annotations())[key] = value, *this;
  }
  // For good.
  ClaimBuilder& bound(const std::string& name) { return volume(name).noted("pv.kubernetes.io/bind-completed").phase("Bound"); }
  ClaimBuilder& phase(const std::string& phase) { return claim_.mutable_status()->set_phase(phase), *this; }
  operator core::v1::PersistentVolumeClaim() const { return claim_; }
  core::v1::PersistentVolumeClaim object() const { return claim_; }

 private:
  core::v1::PersistentVolumeClaim claim_;
};
inline ClaimBuilder make_claim(const std::string& key) { return ClaimBuilder(key); }

class VolumeBuilder {
 public:
  explicit VolumeBuilder(const std::string& name) {
    volume_.mutable_metadata()->set_name(name);
    volume_.mutable_spec()->add_access_modes("ReadWriteOnce");
    volume_.mutable_spec()->set_persistent_volume_reclaim_policy("Retain");
    auto& csi = *volume_.mutable_spec()->mutable_persistent_volume_source()->mutable_csi();
    csi.set_driver("csi.example.com");
    csi.set_volume_handle(name);
    size("1Gi");
  }
  VolumeBuilder& size(const std::string& size) {
    return (*volume_.mutable_spec()->mutable_capacity())["storage"].set_string(size), *this;
  }
  VolumeBuilder& modes(const std::vector<std::string>& modes) {
    return volume_.mutable_spec()->mutable_access_modes()->Assign(modes.begin(), modes.end()), *this;
  }
  VolumeBuilder& block() { return volume_.mutable_spec()->set_volume_mode("Block"), *this; }
  VolumeBuilder& of_class(const std::string& name) { return volume_.mutable_spec()->set_storage_class_name(name), *this; }
  VolumeBuilder& attributes(const std::string& name) {
    return volume_.mutable_spec()->set_volume_attributes_class_name(name), *this;
  }
  VolumeBuilder& label(const std::string& key, const std::string& value) {
    return (*volume_.mutable_metadata()->mutable_labels())[key] = value, *this;
  }
  VolumeBuilder& noted(const std::string& key, const std::string& value = "yes") {
    return (*volume_.mutable_metadata()->mutable_annotations())[key] = value, *this;
  }
  VolumeBuilder& finalizer(const std::string& name) { return volume_.mutable_metadata()->add_finalizers(name), *this; }
  VolumeBuilder& kept_for(const std::string& claim, const std::string& uid = {}) {
    auto& ref = *volume_.mutable_spec()->mutable_claim_ref();
    const ObjectKey key = ObjectKey::parse(claim);
    ref.set_api_version("v1");
    ref.set_kind("PersistentVolumeClaim");
    ref.set_namespace_(key.namespace_name);
    ref.set_name(key.name);
    ref.set_uid(uid);
    return *this;
  }
  VolumeBuilder& reclaim(const std::string& policy) {
    return volume_.mutable_spec()->set_persistent_volume_reclaim_policy(policy), *this;
  }
  VolumeBuilder& host_path(const std::string& path) {
    return volume_.mutable_spec()->mutable_persistent_volume_source()->mutable_host_path()->set_path(path), *this;
  }
  VolumeBuilder& phase(const std::string& phase) { return volume_.mutable_status()->set_phase(phase), *this; }
  VolumeBuilder& deleting() {
    return api::set_time(volume_.mutable_metadata()->mutable_deletion_timestamp(), Time(std::chrono::seconds(1))), *this;
  }
  operator core::v1::PersistentVolume() const { return volume_; }
  core::v1::PersistentVolume object() const { return volume_; }

 private:
  core::v1::PersistentVolume volume_;
};
inline VolumeBuilder make_volume(const std::string& name) { return VolumeBuilder(name); }

inline storage::v1::StorageClass make_class(const std::string& name, const std::string& provisioner, bool waits = false) {
  storage::v1::StorageClass out;
  out.mutable_metadata()->set_name(name);
  out.set_provisioner(provisioner);
  out.set_volume_binding_mode(waits ? "WaitForFirstConsumer" : "Immediate");
  return out;
}
// A driver whose volumes no node has to be attached to.
inline storage::v1::CSIDriver make_driver(const std::string& name) {
  storage::v1::CSIDriver out;
  out.mutable_metadata()->set_name(name);
  out.mutable_spec()->set_attach_required(false);
  return out;
}
inline storage::v1::StorageClass by_default(storage::v1::StorageClass of) {
  (*of.mutable_metadata()->mutable_annotations())["storageclass.kubernetes.io/is-default-class"] = "true";
  return of;
}

}  // namespace ph::controllers
