#include "controllers/attach_detach/world.h"

#include <algorithm>

namespace ph::controllers::attach_detach {
namespace {

constexpr const char* kByNode = "holds volumes on node";
constexpr const char* kByClaim = "holds volume of claim";
constexpr const char* kToNode = "node";
constexpr const char* kOfVolume = "volume";

std::vector<std::string> claim_keys(const PodView& pod) {
  std::vector<std::string> out;
  if (!holds_volumes(pod)) return out;
  for (const informers::ClaimView& claim : pod.claims) out.push_back(std::string(pod.namespace_name.view()) + "/" + claim.name);
  return out;
}

ObjectKey claim_of(const Volume& volume) { return {volume.spec().claim_ref().namespace_(), volume.spec().claim_ref().name()}; }

void add_once(LoopBuilder::Keys& keys, std::string_view node) {
  ObjectKey key{{}, std::string(node)};
  if (!node.empty() && std::ranges::find(keys, key) == keys.end()) keys.push_back(std::move(key));
}

}  // namespace

Seen::Seen(const World& world)
    : pods_(world.informer<PodView>()),
      nodes_(world.informer<NodeView>()),
      claims_(world.informer<Claim>()),
      volumes_(world.informer<Volume>()),
      attachments_(world.informer<Attachment>()),
      drivers_(world.informer<Driver>()) {
  pods_.add_index(kByNode, [](const PodView& pod) -> std::vector<std::string> {
    if (!holds_volumes(pod)) return {};
    return {std::string(pod.node_name.view())};
  });
  pods_.add_index(kByClaim, claim_keys);
  attachments_.add_index(kToNode, [](const Attachment& each) -> std::vector<std::string> { return {each.spec().node_name()}; });
  attachments_.add_index(kOfVolume, [](const Attachment& each) -> std::vector<std::string> {
    return {each.spec().source().persistent_volume_name()};
  });
}

Facts Seen::facts_of(const std::string& node) const {
  Facts out{.node = nodes_.find({{}, node}), .wanted = wanted_on(node), .existing = existing_on(node)};
  for (Wanted& wanted : out.wanted) {
    if (!wanted.volume.is_shared) look_elsewhere(node, wanted);
  }
  return out;
}

std::vector<Wanted> Seen::wanted_on(const std::string& node) const {
  std::vector<Wanted> out;
  for (const Ref<PodView>& pod : pods_.by_index(kByNode, node)) {
    for (const informers::ClaimView& named : pod->claims) {
      const Ref<Claim> claim = claims_.find({std::string(pod->namespace_name.view()), named.name});
      const Ref<Volume> volume = claim ? volumes_.find({{}, claim->spec().volume_name()}) : nullptr;
      if (!volume || !is_bound_for(*pod, named, *claim, *volume)) continue;
      std::optional<CsiVolume> csi = csi_volume(*volume);
      if (!csi || !needs_attaching(drivers_.find({{}, csi->driver}).get())) continue;
      const std::string name = csi->unique_name();
      auto found = std::ranges::find_if(out, [&](const Wanted& each) { return each.volume.unique_name() == name; });
      if (found == out.end()) {
        out.push_back({.volume = std::move(*csi)});
        found = std::prev(out.end());
      }
      if (found->pods.empty() || found->pods.back() != pod) found->pods.push_back(pod);
    }
  }
  return out;
}

std::vector<Existing> Seen::existing_on(const std::string& node) const {
  std::vector<Existing> out;
  for (Ref<Attachment>& each : attachments_.by_index(kToNode, node)) {
    if (!each->spec().source().has_persistent_volume_name() || !is_named_by_us(*each)) continue;
    const Ref<Volume> volume = volumes_.find({{}, each->spec().source().persistent_volume_name()});
    std::optional<CsiVolume> csi = volume ? csi_volume(*volume) : std::nullopt;
    // A volume of the name that was made anew may be another one.
    if (csi && attachment_name(*csi, node) != each->metadata().name()) csi.reset();
    out.push_back({.attachment = std::move(each), .volume = std::move(csi)});
  }
  return out;
}

void Seen::look_elsewhere(const std::string& node, Wanted& wanted) const {
  const Ref<Volume> volume = volumes_.find({{}, wanted.volume.name});
  if (!volume) return;
  const ObjectKey claim = claim_of(*volume);
  for (const Ref<Attachment>& each : attachments_.by_index(kOfVolume, wanted.volume.name)) {
    const std::string& other = each->spec().node_name();
    if (other == node) continue;
    wanted.is_elsewhere = true;
    for (const Ref<PodView>& pod : pods_.by_index(kByClaim, claim.text())) {
      if (pod->node_name == other) wanted.pods_elsewhere.push_back(pod);
    }
  }
}

Ref<Attachment> attachment_to(const Facts& facts, const Wanted& wanted) {
  const auto found = std::ranges::find_if(facts.existing, [&](const Existing& each) {
    return each.volume && each.volume->unique_name() == wanted.volume.unique_name();
  });
  PH_ASSERT(found != facts.existing.end());
  return found->attachment;
}

LoopBuilder::Keys nodes_of_claim(const World& world, const ObjectKey& claim) {
  LoopBuilder::Keys out;
  for (const Ref<PodView>& pod : world.informer<PodView>().by_index(kByClaim, claim.text())) add_once(out, pod->node_name.view());
  return out;
}

LoopBuilder::Keys nodes_of_volume(const World& world, const Volume& volume) {
  LoopBuilder::Keys out = nodes_of_claim(world, claim_of(volume));
  for (const Ref<Attachment>& each : world.informer<Attachment>().by_index(kOfVolume, volume.metadata().name()))
    add_once(out, each->spec().node_name());
  return out;
}

LoopBuilder::Keys nodes_of_attachment(const World& world, const Attachment& attachment) {
  LoopBuilder::Keys out;
  const Ref<Volume> volume = world.informer<Volume>().find({{}, attachment.spec().source().persistent_volume_name()});
  if (volume) out = nodes_of_claim(world, claim_of(*volume));
  add_once(out, attachment.spec().node_name());
  return out;
}

}  // namespace ph::controllers::attach_detach
