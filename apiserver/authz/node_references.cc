#include "apiserver/authz/node_references.h"

#include <algorithm>

namespace ph::apiserver {

using core::v1::Pod;

namespace {

void make_set(std::vector<std::string>& names) {
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
}

class Collector {
 public:
  void add(Needed what, std::string_view name) {
    if (!name.empty()) out.push_back(needed(what, name));
  }
  template <class Reference>
  void secret(const Reference& reference) {
    add(Needed::Secret, reference.name());
  }

  // Of all kinds of containers.
  template <class Container>
  void environment(const Container& container) {
    for (const auto& from : container.env_from()) {
      secret(from.secret_ref().local_object_reference());
      add(Needed::ConfigMap, from.config_map_ref().local_object_reference().name());
    }
    for (const auto& env : container.env()) {
      secret(env.value_from().secret_key_ref().local_object_reference());
      add(Needed::ConfigMap, env.value_from().config_map_key_ref().local_object_reference().name());
    }
  }

  void volume(const Pod& pod, const core::v1::Volume& volume) {
    const auto& source = volume.volume_source();
    add(Needed::Secret, source.secret().secret_name());
    add(Needed::Secret, source.azure_file().secret_name());
    secret(source.iscsi().secret_ref());
    secret(source.rbd().secret_ref());
    secret(source.flex_volume().secret_ref());
    secret(source.cinder().secret_ref());
    secret(source.cephfs().secret_ref());
    secret(source.scale_io().secret_ref());
    secret(source.storageos().secret_ref());
    secret(source.csi().node_publish_secret_ref());
    add(Needed::ConfigMap, source.config_map().local_object_reference().name());
    for (const auto& part : source.projected().sources()) {
      secret(part.secret().local_object_reference());
      add(Needed::ConfigMap, part.config_map().local_object_reference().name());
    }
    if (source.has_persistent_volume_claim()) {
      add(Needed::Claim, source.persistent_volume_claim().claim_name());
    } else if (source.has_ephemeral()) {
      add(Needed::Claim, pod.metadata().name() + "-" + volume.name());
    }
  }

  std::vector<std::string> out;
};

}  // namespace

std::string needed(Needed what, std::string_view name) { return std::string(1, static_cast<char>(what)).append(name); }

std::vector<std::string> needs_of(const Pod& pod) {
  if (pod.metadata().annotations().contains("kubernetes.io/config.mirror")) return {};
  Collector all;
  const auto& spec = pod.spec();
  all.add(Needed::ServiceAccount, spec.service_account_name());
  for (const auto& secret : spec.image_pull_secrets()) all.secret(secret);
  for (const auto& container : spec.containers()) all.environment(container);
  for (const auto& container : spec.init_containers()) all.environment(container);
  for (const auto& container : spec.ephemeral_containers()) all.environment(container.ephemeral_container_common());
  for (const auto& volume : spec.volumes()) all.volume(pod, volume);
  for (const auto& claim : spec.resource_claims()) all.add(Needed::DeviceClaim, claim.resource_claim_name());
  for (const auto& claim : pod.status().resource_claim_statuses()) all.add(Needed::DeviceClaim, claim.resource_claim_name());
  all.add(Needed::DeviceClaim, pod.status().extended_resource_claim_status().resource_claim_name());
  make_set(all.out);
  return std::move(all.out);
}

std::vector<std::string> secrets_of(const core::v1::PersistentVolume& volume) {
  std::vector<std::string> out;
  if (!volume.spec().has_claim_ref()) return out;
  const std::string& home = volume.spec().claim_ref().namespace_();
  const auto add = [&](const std::string& namespace_name, const std::string& name) {
    if (!name.empty()) out.push_back((namespace_name.empty() ? home : namespace_name) + "/" + name);
  };
  const auto reference = [&](const core::v1::SecretReference& secret) { add(secret.namespace_(), secret.name()); };
  const auto& source = volume.spec().persistent_volume_source();
  add(source.azure_file().secret_namespace(), source.azure_file().secret_name());
  reference(source.rbd().secret_ref());
  reference(source.iscsi().secret_ref());
  reference(source.cinder().secret_ref());
  reference(source.cephfs().secret_ref());
  reference(source.flex_volume().secret_ref());
  reference(source.scale_io().secret_ref());
  add(source.storageos().secret_ref().namespace_(), source.storageos().secret_ref().name());
  // What the controllers of a driver need is no business of nodes.
  reference(source.csi().node_stage_secret_ref());
  reference(source.csi().node_publish_secret_ref());
  reference(source.csi().node_expand_secret_ref());
  make_set(out);
  return out;
}

}  // namespace ph::apiserver
