#include <fmt/format.h>

#include "api/quantity.h"
#include "api/sorted.h"
#include "api/warnings/labels.h"
#include "api/warnings/parts.h"

namespace ph::api {

using core::v1::PersistentVolume;
using core::v1::PersistentVolumeClaim;

void warn_of_claim(const core::v1::PersistentVolumeClaimSpec& spec, const Path& path, Warnings& out) {
  warn_of_fractions(spec.resources().requests(), path.member("resources").member("requests"), {"storage"}, out);
}

Warnings warnings_of(const PersistentVolumeClaim& claim) {
  Warnings out;
  warn_of_claim(claim.spec(), Path("spec"), out);
  return out;
}

Warnings warnings_of(const PersistentVolume& volume) {
  Warnings out;
  const Path spec("spec");
  if (volume.spec().persistent_volume_reclaim_policy() == "Recycle") {
    out.emplace_back(
        "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to "
        "use dynamic provisioning.");
  }
  warn_of_terms(volume.spec().node_affinity().required(), spec.member("nodeAffinity").member("required"), out);
  warn_of_source(volume.spec().persistent_volume_source(), spec, out);
  return out;
}

Warnings warnings_of(const storage::v1::CSIDriver& driver) {
  if (driver.spec().token_requests().empty() || driver.spec().has_service_account_token_in_secrets()) return {};
  return {
      "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of "
      "tokens in "
      "volume attributes"};
}

Warnings warnings_of(const storage::v1::CSIStorageCapacity& capacity) {
  Warnings out;
  const meta::v1::LabelSelector& selector = capacity.node_topology();
  const Path path("nodeTopology");
  for (int i = 0; i < selector.match_expressions_size(); ++i) {
    warn_of_label(selector.match_expressions(i).key(),
                  path.member("matchExpressions").index(static_cast<std::size_t>(i)).member("key"), out);
  }
  for (const auto* label : sorted(selector.match_labels())) {
    warn_of_label(label->first, path.member("matchLabels").member(label->first), out);
  }
  return out;
}

Warnings warnings_of(const storage::v1::StorageClass& object) {
  Warnings out;
  for (int t = 0; t < object.allowed_topologies_size(); ++t) {
    const auto& expressions = object.allowed_topologies(t).match_label_expressions();
    const Path at = Path("allowedTopologies").index(static_cast<std::size_t>(t)).member("matchLabelExpressions");
    for (int i = 0; i < expressions.size(); ++i) {
      warn_of_label(expressions[i].key(), at.index(static_cast<std::size_t>(i)).member("key"), out);
    }
  }
  return out;
}

}  // namespace ph::api
