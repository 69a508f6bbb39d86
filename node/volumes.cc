#include "node/volumes.h"

#include <fmt/format.h>

#include "api/kinds.h"

namespace ph::node {

using core::v1::PersistentVolume, core::v1::PersistentVolumeClaim;

Task<std::vector<std::string>> attachable_volumes(informers::Client& client, std::shared_ptr<const HollowPod> pod) {
  std::vector<std::string> out;
  for (const std::string& name : pod->claims) {
    const ObjectKey key{std::string(pod->namespace_name.view()), name};
    const std::optional<PersistentVolumeClaim> claim = co_await client.find<PersistentVolumeClaim>(key);
    if (!claim || claim->status().phase() != "Bound" || claim->spec().volume_name().empty()) continue;
    const ObjectKey bound{{}, claim->spec().volume_name()};
    const std::optional<PersistentVolume> volume = co_await client.find<PersistentVolume>(bound);
    if (!volume || !volume->spec().persistent_volume_source().has_csi()) continue;
    const auto& csi = volume->spec().persistent_volume_source().csi();
    const ObjectKey described{{}, csi.driver()};
    const std::optional<storage::v1::CSIDriver> driver = co_await client.find<storage::v1::CSIDriver>(described);
    const bool needless = driver && driver->spec().has_attach_required() && !driver->spec().attach_required();
    if (!needless) out.push_back(fmt::format("kubernetes.io/csi/{}^{}", csi.driver(), csi.volume_handle()));
  }
  co_return out;
}

}  // namespace ph::node
