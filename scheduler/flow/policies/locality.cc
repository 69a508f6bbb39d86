// Locality: a pod costs what has to be brought to the node: the bytes of its images that are not there, a quarter of them when they are in
// the same rack, half when they are in the same zone. An image that is nowhere makes no difference. Of equal nodes the emptier is cheaper.
// After Isard et al., "Quincy: fair scheduling for distributed computing clusters" (SOSP 2009), where the data is a job's input.
#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "scheduler/flow/policy.h"

namespace ph::scheduler::flow {
namespace {

constexpr const char* kZoneLabel = "topology.kubernetes.io/zone";

class Locality final : public Policy {
 public:
  explicit Locality(std::string rack_label) : rack_label_(std::move(rack_label)) {}

  Prices prices(const Wanted& wanted) const override {
    const std::vector<Image> images = images_of(wanted);
    Prices out{.step = 1};
    out.of_nodes.reserve(wanted.nodes.size());
    for (const NodeInfo* node : wanted.nodes) {
      Cost bytes = 0;
      for (const Image& image : images) bytes += missing(image, *node);
      const Cost pods = std::min(static_cast<Cost>(node->pods().size()), kPods - 1);
      out.of_nodes.push_back(std::min(bytes / kUnit * kPods + pods, kPriceMost));
    }
    return out;
  }

 private:
  static constexpr Cost kUnit = Cost{1} << 20;  // bytes that make a difference
  static constexpr Cost kPods = 256;

  struct Image {
    std::string_view name;
    std::int64_t size = 0;
    std::set<std::string_view> racks, zones;  // where it is
  };

  static std::string_view label(const NodeInfo& node, const std::string& name) {
    const auto& labels = node.node().metadata().labels();
    const auto found = labels.find(name);
    return found == labels.end() ? std::string_view() : std::string_view(found->second);
  }

  // Those that some node has. On cordoned and full ones they lie as well.
  std::vector<Image> images_of(const Wanted& wanted) const {
    std::vector<Image> out;
    for (const std::string& name : wanted.state.pod().images) {
      Image image{.name = name};
      for (const NodeInfo* node : wanted.snapshot.nodes()) {
        const ImageState* there = node->image(name);
        if (!there) continue;
        image.size = there->size;
        if (const auto rack = label(*node, rack_label_); !rack.empty()) image.racks.insert(rack);
        if (const auto zone = label(*node, kZoneLabel); !zone.empty()) image.zones.insert(zone);
      }
      if (image.size > 0) out.push_back(std::move(image));
    }
    return out;
  }

  std::int64_t missing(const Image& image, const NodeInfo& node) const {
    if (node.image(image.name)) return 0;
    if (image.racks.contains(label(node, rack_label_))) return image.size / 4;
    if (image.zones.contains(label(node, kZoneLabel))) return image.size / 2;
    return image.size;
  }

  const std::string rack_label_;
};

}  // namespace

std::unique_ptr<Policy> make_locality(std::string rack_label) { return std::make_unique<Locality>(std::move(rack_label)); }

}  // namespace ph::scheduler::flow
