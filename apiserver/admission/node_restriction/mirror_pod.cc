#include "apiserver/admission/node_restriction/mirror_pod.h"

#include <algorithm>

#include <fmt/format.h>

#include "api/validation/quote.h"
#include "apiserver/admission/containers.h"

namespace ph::apiserver::node_restriction {

using core::v1::Pod, core::v1::VolumeSource;

namespace {

struct Named {
  bool secrets = false, config_maps = false, trust_bundles = false, claims = false;
};

template <class Container>
void collect(const Container& container, Named& out) {
  for (const auto& from : container.env_from()) {
    out.secrets |= from.has_secret_ref();
    out.config_maps |= from.has_config_map_ref();
  }
  for (const auto& env : container.env()) {
    out.secrets |= env.value_from().has_secret_key_ref();
    out.config_maps |= env.value_from().has_config_map_key_ref();
  }
}

// Every kind of volume that has a secret for what it is kept on.
bool has_secret(const VolumeSource& source) {
  return source.has_secret() || source.has_azure_file() || source.cephfs().has_secret_ref() || source.cinder().has_secret_ref() ||
         source.flex_volume().has_secret_ref() || source.rbd().has_secret_ref() || source.scale_io().has_secret_ref() ||
         source.iscsi().has_secret_ref() || source.storageos().has_secret_ref() || source.csi().has_node_publish_secret_ref();
}

void collect(const VolumeSource& source, Named& out) {
  out.secrets |= has_secret(source);
  out.config_maps |= source.has_config_map();
  out.claims |= source.has_persistent_volume_claim();
  for (const auto& projection : source.projected().sources()) {
    out.secrets |= projection.has_secret();
    out.config_maps |= projection.has_config_map();
    out.trust_bundles |= projection.has_cluster_trust_bundle();
  }
}

}  // namespace

std::string owner_problem(const Pod& pod, const std::string& node) {
  const auto& owners = pod.metadata().owner_references();
  const std::string name = api::quote(node);
  if (owners.size() > 1) return fmt::format("node {} can only create pods with a single owner reference set to itself", name);
  if (owners.empty() || owners[0].api_version() != "v1" || owners[0].kind() != "Node" || owners[0].name() != node) {
    return fmt::format("node {} can only create pods with an owner reference set to itself", name);
  }
  if (!owners[0].controller()) {
    return fmt::format("node {} can only create pods with a controller owner reference set to itself", name);
  }
  if (owners[0].block_owner_deletion()) {
    return fmt::format("node {} must not set blockOwnerDeletion on an owner reference", name);
  }
  return {};
}

std::string named_objects(const Pod& pod) {
  const auto& spec = pod.spec();
  Named named{.secrets = !spec.image_pull_secrets().empty()};
  admission::each_container(spec, [&](const auto& container, const std::string&) { collect(container, named); });
  for (const auto& volume : spec.volumes()) collect(volume.volume_source(), named);
  if (!spec.service_account_name().empty()) return "a service account";
  if (named.secrets) return "secrets";
  if (named.config_maps) return "configmaps";
  if (named.trust_bundles) return "clustertrustbundles";
  if (named.claims) return "persistentvolumeclaims";
  if (!spec.resource_claims().empty()) return "resourceclaims";
  return {};
}

}  // namespace ph::apiserver::node_restriction
