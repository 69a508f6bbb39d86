// attachdetach: pods with volumes move between nodes, whose kubelets say what they use; the driver's attacher does what it is asked for,
// now and then with errors; nodes fall into trouble, are taken out of service, go and come.
#include <fmt/format.h>

#include <algorithm>

#include "api/times.h"
#include "tests/sim/builders.h"
#include "tests/sim/swarm/swarm.h"

namespace ph::sim::swarm {
namespace {

using core::v1::Node, core::v1::PersistentVolume, core::v1::Pod;
using storage::v1::VolumeAttachment;
using Claim = core::v1::PersistentVolumeClaim;

constexpr const char* kManaged = "volumes.kubernetes.io/controller-managed-attach-detach";
constexpr const char* kOutOfService = "node.kubernetes.io/out-of-service";
constexpr const char* kAttacherHolds = "external-attacher/d";
const std::vector<std::string> kNodes{"node-0", "node-1", "node-2"};
// The last may be in several places.
const std::vector<std::string> kClaims{"a", "b", "c", "shared"};

std::string unique_name(const std::string& claim) { return "kubernetes.io/csi/d^" + claim; }
bool needs(const Pod& pod, const std::string& claim, const std::string& node) {
  if (pod.spec().node_name() != node || pod.status().phase() == "Succeeded" || pod.status().phase() == "Failed") return false;
  return std::ranges::any_of(pod.spec().volumes(), [&](const auto& volume) {
    return volume.volume_source().persistent_volume_claim().claim_name() == claim;
  });
}
bool is_ready(const Node& node) {
  return std::ranges::any_of(node.status().conditions(),
                             [](const auto& c) { return c.type() == "Ready" && c.status() == "True"; });
}
bool is_out_of_service(const Node& node) {
  return std::ranges::any_of(node.spec().taints(), [](const auto& taint) { return taint.key() == kOutOfService; });
}
std::string claim_of(const VolumeAttachment& attachment) {
  return attachment.spec().source().persistent_volume_name().substr(3);  // after "pv-"
}

class AttachDetach final : public Swarm {
 public:
  Setup setup(Draw&) override { return loops("attachdetach"); }

  void begin() override {
    pods_.follow(cluster());
    nodes_.follow(cluster());
    attachments_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (!write.author.ends_with(":attachdetach-controller")) return;
      if (!before) judge_made(key, *after);
      else if (!after || after->metadata().has_deletion_timestamp()) judge_deleted(key, *before);
    });
    for (const std::string& name : kNodes) make_node(name);
    for (const std::string& name : kClaims) make_bound(name);
    for (int i = 0; i < 3; ++i) make_pod();
  }

  void act() override {
    switch (draw().between(0, 11)) {
      case 0:
      case 1: return make_pod();
      case 2: remove_one(pods_, {.grace_seconds = 0}); return;
      case 3: return end_one();
      case 4:
      case 5:
        for (const std::string& name : kNodes) say_in_use(name);
        return;
      case 6:
      case 7: return attach_some(0.2);
      case 8: return change_node();
      case 9:
        if (draw().chance(0.5)) remove_one(nodes_);
        else make_node(draw().of(kNodes));
        return;
      default: cluster().advance(draw().up_to(40s));
    }
  }

  void settle() override {
    for (const std::string& name : kNodes) {
      make_node(name);
      say_in_use(name);
    }
    attach_some(0);
    cluster().advance(7min);
  }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    for (const std::string& claim : kClaims) miss_attachments(claim, out);
    for (const auto& [name, node] : nodes_.all()) miss_told(name, node, out);
    return out;
  }

  // Pods that wait for a volume which another node has are told of it again, after a restart too.
  bool may_write_at_rest(const std::string& line) const override { return line.find("/registry/events/") != std::string::npos; }

 private:
  bool is_needed(const std::string& claim, const std::string& node) const {
    return std::ranges::any_of(pods_.all(), [&](const auto& each) { return needs(each.second, claim, node); });
  }

  // -- Never
  void judge_made(const std::string& key, const VolumeAttachment& made) {
    judge().reached("attachments made");
    const std::string claim = claim_of(made);
    if (claim == "shared" || !alone()) return;
    for (const auto& [other, attachment] : attachments_.all()) {
      if (other != key && claim_of(attachment) == claim) judge().never(fmt::format("{} was attached twice", claim));
    }
  }
  void judge_deleted(const std::string& key, const VolumeAttachment& attachment) {
    if (attachment.metadata().has_deletion_timestamp()) return;
    judge().reached("attachments deleted");
    const Node* node = nodes_.find(attachment.spec().node_name());
    if (!node || !alone()) return;
    const auto& in_use = node->status().volumes_in_use();
    if (std::ranges::count(in_use, unique_name(claim_of(attachment))) == 0) return;
    judge().reached("attachments deleted by force");
    // What the loop knows of the node's trouble, and the node of its end, may be a while old.
    if (is_ready(*node) && !is_out_of_service(*node) && !was_troubled_.contains(node->metadata().name()))
      judge().never(key + " was deleted while its node used it");
  }

  // -- In the end
  void miss_attachments(const std::string& claim, std::vector<std::string>& out) {
    std::set<std::string> wanted, got;
    for (const std::string& node : kNodes) {
      if (is_needed(claim, node)) wanted.insert(node);
    }
    for (const auto& [key, attachment] : attachments_.all()) {
      if (claim_of(attachment) != claim) continue;
      if (attachment.metadata().has_deletion_timestamp()) out.push_back(claim + " is being detached");
      got.insert(attachment.spec().node_name());
    }
    for (const std::string& node : got) {
      if (!wanted.contains(node)) out.push_back(claim + " is attached to " + node + ", where nobody needs it");
    }
    const std::size_t places = claim == "shared" ? wanted.size() : std::min<std::size_t>(wanted.size(), 1);
    if (got.size() != places) out.push_back(fmt::format("{} is in {} places, not in {}", claim, got.size(), places));
  }
  void miss_told(const std::string& name, const Node& node, std::vector<std::string>& out) {
    std::set<std::string> wanted, got;
    for (const auto& [key, attachment] : attachments_.all()) {
      if (attachment.spec().node_name() == name && attachment.status().attached())
        wanted.insert(unique_name(claim_of(attachment)));
    }
    for (const auto& each : node.status().volumes_attached()) got.insert(each.name());
    if (wanted != got) out.push_back(name + " is told of other volumes than are attached");
  }

  // -- What others do
  void make_node(const std::string& name) {
    Node node;
    node.mutable_metadata()->set_name(name);
    (*node.mutable_metadata()->mutable_annotations())[kManaged] = "true";
    auto& ready = *node.mutable_status()->add_conditions();
    ready.set_type("Ready");
    ready.set_status("True");
    if (!nodes_.find(name)) attempt([&] { cluster().create(node); });
  }
  void make_bound(const std::string& name) {
    const std::string mode = name == "shared" ? "ReadWriteMany" : "ReadWriteOnce";
    Claim claim;
    claim.mutable_metadata()->set_namespace_("default");
    claim.mutable_metadata()->set_name(name);
    claim.mutable_spec()->add_access_modes(mode);
    (*claim.mutable_spec()->mutable_resources()->mutable_requests())["storage"].set_string("1Gi");
    claim.mutable_spec()->set_volume_name("pv-" + name);
    claim = cluster().create(claim);
    PersistentVolume volume;
    volume.mutable_metadata()->set_name("pv-" + name);
    (*volume.mutable_spec()->mutable_capacity())["storage"].set_string("1Gi");
    volume.mutable_spec()->add_access_modes(mode);
    auto& csi = *volume.mutable_spec()->mutable_persistent_volume_source()->mutable_csi();
    csi.set_driver("d");
    csi.set_volume_handle(name);
    auto& of = *volume.mutable_spec()->mutable_claim_ref();
    of.set_namespace_("default");
    of.set_name(name);
    of.set_uid(claim.metadata().uid());
    cluster().create(volume);
    claim.mutable_status()->set_phase("Bound");
    cluster().update_status(claim);
  }
  void make_pod() {
    Pod pod = sim::make_pod(fmt::format("default/pod-{}", draw().between(0, 5)), draw().of(kNodes));
    for (int i = draw().between(1, 2); i > 0; --i) {
      auto& volume = *pod.mutable_spec()->add_volumes();
      volume.set_name(fmt::format("v{}", i));
      volume.mutable_volume_source()->mutable_persistent_volume_claim()->set_claim_name(draw().of(kClaims));
    }
    attempt([&] { cluster().create(pod); });
  }
  void end_one() {
    if (pods_.all().empty()) return;
    const std::string key = draw().of(pods_.keys());
    attempt([&] {
      Pod pod = cluster().get<Pod>(key);
      pod.mutable_status()->set_phase("Succeeded");
      cluster().update_status(pod);
    });
  }
  // A kubelet begins to use what it is told is attached and its pods need, and ends that in its own time.
  void say_in_use(const std::string& name) {
    if (!nodes_.find(name)) return;
    attempt([&] {
      Node node = cluster().get<Node>(name);
      auto& status = *node.mutable_status();
      const std::vector<std::string> before(status.volumes_in_use().begin(), status.volumes_in_use().end());
      status.clear_volumes_in_use();
      for (const std::string& claim : kClaims) {
        const std::string volume = unique_name(claim);
        const auto& all = status.volumes_attached();
        const bool is_told = std::ranges::any_of(all, [&](const auto& each) { return each.name() == volume; });
        const bool was_used = std::ranges::find(before, volume) != before.end();
        if (is_needed(claim, name) ? is_told || was_used : was_used && draw().chance(0.4)) status.add_volumes_in_use(volume);
      }
      cluster().update_status(node);
    });
  }
  void attach_some(double failing) {
    for (const auto& [key, seen] : std::map(attachments_.all())) {
      attempt([&] {
        VolumeAttachment each = cluster().get<VolumeAttachment>(key);
        if (each.metadata().has_deletion_timestamp()) {
          each.mutable_metadata()->clear_finalizers();
          cluster().update(each);
        } else if (!each.status().attached() && draw().chance(failing)) {
          api::set_time(each.mutable_status()->mutable_attach_error()->mutable_time(), cluster().now());
          each.mutable_status()->mutable_attach_error()->set_message("no");
          cluster().update_status(each);
        } else if (!each.status().attached()) {
          if (each.metadata().finalizers_size() == 0) each.mutable_metadata()->add_finalizers(kAttacherHolds);
          each = cluster().update(each);
          each.mutable_status()->set_attached(true);
          each.mutable_status()->clear_attach_error();
          cluster().update_status(each);
        }
      });
    }
  }
  void change_node() {
    const std::string name = draw().of(kNodes);
    if (!nodes_.find(name)) return;
    was_troubled_.insert(name);
    attempt([&] {
      if (draw().chance(0.5)) {
        Node node = cluster().get<Node>(name);
        node.mutable_status()->mutable_conditions(0)->set_status(is_ready(node) ? "Unknown" : "True");
        cluster().update_status(node);
      } else {
        cluster().edit<Node>(name, [](Node& node) {
          if (is_out_of_service(node)) return node.mutable_spec()->clear_taints();
          auto& taint = *node.mutable_spec()->add_taints();
          taint.set_key(kOutOfService);
          taint.set_effect("NoExecute");
        });
      }
    });
  }

  Shadow<Pod> pods_;
  Shadow<Node> nodes_;
  Shadow<VolumeAttachment> attachments_;
  std::set<std::string> was_troubled_;
};

}  // namespace

std::unique_ptr<Swarm> attach_detach() { return std::make_unique<AttachDetach>(); }

}  // namespace ph::sim::swarm
