// hollow-csi-provisioner, -attacher, -resizer: claims of a class come, grow and go, some for nodes that a scheduler chooses and that go
// again; their volumes are asked for on nodes, by several at once too, and let go. No claim has two volumes, no volume for one node is on
// two, nothing goes that is attached, and nothing shrinks.
#include <fmt/format.h>

#include <algorithm>

#include "tests/controllers/volumes.h"
#include "tests/sim/builders.h"
#include "tests/sim/swarm/swarm.h"

namespace ph::sim::swarm {
namespace {

using core::v1::Node;
using storage::v1::StorageClass, storage::v1::VolumeAttachment;
using Claim = core::v1::PersistentVolumeClaim;
using Volume = core::v1::PersistentVolume;

constexpr const char* kDriver = "hollow.csi.pilothouse.dev";
constexpr const char* kNode = "volume.kubernetes.io/selected-node";
const std::vector<std::string> kNodes{"node-0", "node-1", "node-2"};

template <class Map>
int gigabytes(const Map& amounts) {
  const auto found = amounts.find("storage");
  return found == amounts.end() ? 0 : std::stoi(found->second.string());
}
int asked_by(const Claim& claim) { return gigabytes(claim.spec().resources().requests()); }
int size_of(const Claim& claim) { return gigabytes(claim.status().capacity()); }
int size_of(const Volume& volume) { return gigabytes(volume.spec().capacity()); }
bool is_deleted(const auto& object) { return object.metadata().has_deletion_timestamp(); }
bool is_for_one(const Volume& volume) { return volume.spec().access_modes(0) == "ReadWriteOnce"; }
const std::string& volume_of(const VolumeAttachment& attachment) { return attachment.spec().source().persistent_volume_name(); }

class HollowCsi final : public Swarm {
 public:
  Setup setup(Draw&) override {
    return loops(
        "hollow-csi-provisioner,hollow-csi-attacher,hollow-csi-resizer,persistentvolume-binder,pv-protection,pvc-protection");
  }

  void begin() override {
    nodes_.follow(cluster());
    claims_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto&) {
      if (before && after && before->metadata().uid() == after->metadata().uid()) judge_claim(key, *before, *after);
    });
    volumes_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto&) {
      if (!before) judge_made(key, *after);
      else if (!after || (is_deleted(*after) && !is_deleted(*before))) judge_going(key, !after);
      else if (size_of(*after) < size_of(*before)) judge().never(key + " has shrunk");
    });
    attachments_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto&) {
      if (after && after->status().attached() && !(before && before->status().attached())) judge_attached(key, *after);
      if (!after && before->status().attached()) judge().never(key + " is gone, and was not taken off");
    });
    for (const bool waits : {false, true}) {
      StorageClass of = controllers::make_class(waits ? "waits" : "made", kDriver, waits);
      of.set_allow_volume_expansion(true);
      cluster().create(of);
    }
    for (const std::string& name : kNodes) make_node(name);
    for (int i = 0; i < 3; ++i) make_claim();
  }

  void act() override {
    switch (draw().between(0, 11)) {
      case 0:
      case 1: return make_claim();
      case 2: return select_nodes(0.7);
      case 3:
      case 4: return ask_for_more();
      case 5:
      case 6:
      case 7: return attach_one();
      case 8: remove_one(attachments_); return;
      case 9: remove_one(claims_); return;
      case 10:
        if (draw().chance(0.5)) return delete_released();
        if (draw().chance(0.3)) remove_one(nodes_);
        else make_node(draw().of(kNodes));
        return;
      default: cluster().advance(draw().up_to(30s));
    }
  }

  void settle() override {
    for (const std::string& name : kNodes) make_node(name);
    cluster().advance(16s);  // what waits is looked at once in fifteen seconds, and only then is a provisioner asked
    select_nodes(1);
  }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    for (const auto& [key, claim] : claims_.all()) {
      if (const std::string wrong = wrong_with(claim); !wrong.empty()) out.push_back(key + " " + wrong);
    }
    for (const auto& [key, volume] : volumes_.all()) {
      if (!claim_of(volume) && !is_asked_for(key)) out.push_back(key + " is nobody's, and is still there");
      miss_attachments(key, volume, out);
    }
    return out;
  }

  // Who is told that a volume cannot go yet is told again after a restart.
  bool may_write_at_rest(const std::string& line) const override { return line.find("/registry/events/") != std::string::npos; }

 private:
  const Claim* claim_of(const Volume& volume) const {
    const auto found = std::ranges::find(claims_.all(), volume.spec().claim_ref().uid(),
                                         [](const auto& each) { return each.second.metadata().uid(); });
    return found == claims_.all().end() ? nullptr : &found->second;
  }
  bool is_asked_for(const std::string& volume) const {
    return std::ranges::any_of(attachments_.all(), [&](const auto& each) { return volume_of(each.second) == volume; });
  }

  // -- Never

  void judge_claim(const std::string& key, const Claim& before, const Claim& after) {
    const std::string& was = before.spec().volume_name();
    if (!was.empty() && was != after.spec().volume_name()) judge().never(key + " was moved from one volume to another");
    if (size_of(after) < size_of(before)) judge().never(key + " was told that it has shrunk");
    if (size_of(after) > size_of(before) && size_of(before) > 0) judge().reached("claims grown");
    const Volume* volume = volumes_.find(after.spec().volume_name());
    if (volume && size_of(after) > size_of(*volume)) judge().never(key + " was told of more than its volume has");
  }

  void judge_made(const std::string& key, const Volume& made) {
    judge().reached("volumes made");
    for (const auto& [other, volume] : volumes_.all()) {
      if (other != key && volume.spec().claim_ref().uid() == made.spec().claim_ref().uid())
        judge().never(fmt::format("{} and {} are of one claim", other, key));
    }
  }

  // A person may ask for the end of one that is attached; it must not come.
  void judge_going(const std::string& key, bool is_gone) {
    if (!is_gone) return judge().reached(is_asked_for(key) ? "volumes deleted that are asked for" : "volumes deleted");
    if (is_asked_for(key)) judge().never(key + " went while somebody had asked for it");
    judge().reached("volumes gone");
  }

  void judge_attached(const std::string& key, const VolumeAttachment& made) {
    judge().reached("volumes attached");
    const Volume* volume = volumes_.find(volume_of(made));
    if (!volume) return judge().never(key + " is attached, and there is no such volume");
    if (!is_for_one(*volume)) return;
    for (const auto& [other, attachment] : attachments_.all()) {
      const bool is_same = volume_of(attachment) == volume_of(made) && attachment.status().attached();
      if (is_same && attachment.spec().node_name() != made.spec().node_name())
        judge().never(fmt::format("{} is on two nodes: {}, {}", volume_of(made), other, key));
    }
  }

  // -- In the end

  std::string wrong_with(const Claim& claim) const {
    if (is_deleted(claim)) return "does not go";
    const Volume* volume = volumes_.find(claim.spec().volume_name());
    if (!volume || claim.status().phase() != "Bound") return "is " + claim.status().phase();
    if (volume->spec().claim_ref().uid() != claim.metadata().uid()) return "has the volume of somebody else";
    if (size_of(*volume) < asked_by(claim) || size_of(claim) < asked_by(claim)) return "is smaller than was asked for";
    const bool is_calm = claim.status().conditions().empty() && claim.status().allocated_resource_statuses().empty();
    return is_calm ? "" : "still grows";
  }

  void miss_attachments(const std::string& key, const Volume& volume, std::vector<std::string>& out) const {
    std::size_t asked = 0, attached = 0;
    for (const auto& [name, attachment] : attachments_.all()) {
      if (volume_of(attachment) != key) continue;
      if (is_deleted(attachment)) out.push_back(name + " is not taken off");
      ++asked;
      if (attachment.status().attached()) ++attached;
    }
    const std::size_t wanted = is_for_one(volume) ? std::min<std::size_t>(asked, 1) : asked;
    if (attached != wanted) out.push_back(fmt::format("{} is on {} nodes, not on {}", key, attached, wanted));
  }

  // -- What others do

  void make_node(const std::string& name) {
    if (nodes_.find(name)) return;
    Node node;
    node.mutable_metadata()->set_name(name);
    attempt([&] { cluster().create(node); });
  }

  void make_claim() {
    const std::string key = fmt::format("default/claim-{}", draw().between(0, 4));
    auto claim = controllers::make_claim(key).size(fmt::format("{}Gi", draw().between(1, 2)));
    claim.of_class(draw().chance(0.5) ? "made" : "waits");
    if (draw().chance(0.25)) claim.modes({"ReadWriteMany"});
    attempt([&] { cluster().create(claim.object()); });
  }

  // As the scheduler does, which may not know yet that a node is gone.
  void select_nodes(double chance) {
    for (const auto& [key, claim] : std::map(claims_.all())) {
      const bool waits = claim.spec().storage_class_name() == "waits" && claim.spec().volume_name().empty();
      if (!waits || claim.metadata().annotations().contains(kNode) || !draw().chance(chance)) continue;
      attempt([&] {
        cluster().edit<Claim>(key,
                              [&](Claim& each) { (*each.mutable_metadata()->mutable_annotations())[kNode] = draw().of(kNodes); });
      });
    }
  }

  void ask_for_more() {
    for (const auto& [key, claim] : std::map(claims_.all())) {
      if (claim.status().phase() != "Bound" || is_deleted(claim) || !draw().chance(0.4)) continue;
      const std::string more = fmt::format("{}Gi", asked_by(claim) + draw().between(1, 3));
      attempt([&] {
        cluster().edit<Claim>(key, [&](Claim& each) {
          (*each.mutable_spec()->mutable_resources()->mutable_requests())["storage"].set_string(more);
        });
      });
    }
  }

  // Whoever attaches asks for volumes of claims that are there, and keeps to no order.
  void attach_one() {
    std::vector<std::string> bound;
    for (const auto& [key, claim] : claims_.all()) {
      if (claim.status().phase() == "Bound" && !is_deleted(claim)) bound.push_back(claim.spec().volume_name());
    }
    if (bound.empty()) return;
    VolumeAttachment attachment;
    const std::string &volume = draw().of(bound), &node = draw().of(kNodes);
    attachment.mutable_metadata()->set_name(volume + "-" + node);
    attachment.mutable_spec()->set_attacher(kDriver);
    attachment.mutable_spec()->set_node_name(node);
    attachment.mutable_spec()->mutable_source()->set_persistent_volume_name(volume);
    attempt([&] { cluster().create(attachment); });
  }

  void delete_released() {
    for (const auto& [key, volume] : std::map(volumes_.all())) {
      if (volume.status().phase() == "Released") attempt([&] { cluster().remove<Volume>(key); });
    }
  }

  Shadow<Node> nodes_;
  Shadow<Claim> claims_;
  Shadow<Volume> volumes_;
  Shadow<VolumeAttachment> attachments_;
};

}  // namespace

std::unique_ptr<Swarm> hollow_csi() { return std::make_unique<HollowCsi>(); }

}  // namespace ph::sim::swarm
