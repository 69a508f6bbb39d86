// ImageLocality: prefers nodes that have the pod's images already. An image counts with its size, scaled down while few
// nodes have it, so that pods do not heap up on the first node that does. Upstream:
// pkg/scheduler/framework/plugins/imagelocality
#include <algorithm>

#include "scheduler/cluster/snapshot.h"
#include "scheduler/framework/class_key.h"
#include "scheduler/framework/plugin.h"

namespace ph::scheduler {
namespace {

constexpr std::int64_t kMegabyte = 1024 * 1024;
constexpr std::int64_t kLeast = 23 * kMegabyte;               // below: as good as no image
constexpr std::int64_t kMostPerContainer = 1000 * kMegabyte;  // above: no difference

class ImageLocality final : public ScorePlugin {
 public:
  explicit ImageLocality(const Snapshot& snapshot) : snapshot_(snapshot) {}

  bool class_key(const Pod& pod, const PodInfo& info, ClassKey& key) const override {
    for (const std::string& image : info.images) add_text(key, image);
    return true;
  }
  // A node more or less, or other images on one: all nodes with an image count it otherwise.
  Outdated outdated_by(const StateChange& change, const Pod& of) const override {
    return {change.node_before || change.node_after ? Outdated::All : Outdated::Nothing};
  }

  Score score(const CycleState& state, const Pod& pod, const NodeInfo& node) const override {
    const double nodes = static_cast<double>(snapshot_.nodes().size());
    std::int64_t sum = 0;
    for (const std::string& name : state.pod().images) {
      const ImageState* image = node.image(name);
      if (image) sum += static_cast<std::int64_t>(static_cast<double>(image->size) * (image->nodes / nodes));
    }
    const std::int64_t most = kMostPerContainer * state.pod().image_count;
    if (most <= kLeast) return 0;
    return kMaxNodeScore * (std::clamp(sum, kLeast, most) - kLeast) / (most - kLeast);
  }

 private:
  const Snapshot& snapshot_;
};

}  // namespace

std::unique_ptr<Plugin> image_locality(const PluginArgs&, const PluginWorld& world) {
  return std::make_unique<ImageLocality>(*world.snapshot);
}

}  // namespace ph::scheduler
