// attachdetach: has the volumes of pods attached to their nodes, by VolumeAttachments that CSI drivers' attachers act on, tells the nodes
// what is attached, and has them detached when no pod needs them and the node has let them go.
//
//   reads     v1 Pod, v1 Node (views), v1 PersistentVolumeClaim, PersistentVolume, storage.k8s.io/v1 VolumeAttachment, CSIDriver
//             informers, that of attachments caught up before one is made; the node live before a volume is detached
//   writes    storage.k8s.io/v1 VolumeAttachment   create; delete, pinned to the UID
//             v1 Node                              patch of the status: volumesAttached
//             v1 Event                             SuccessfulAttachVolume, FailedAttachVolume, about pods
//   upstream  pkg/controller/volume/attachdetach, pkg/volume/csi
//
// A key is a node. What is attached stands in the VolumeAttachments alone: there is no second book of it to keep in step. One worker, and
// attachments are waited for by every node whose pods want the volume: no two nodes get a volume that cannot be in two places.
#include <stdexcept>

#include "controllers/attach_detach/plan.h"
#include "controllers/attach_detach/world.h"
#include "controllers/common/pod_reference.h"
#include "controllers/runtime/options.h"

namespace ph::controllers {
namespace {

using attach_detach::Attachment, attach_detach::Driver, attach_detach::Volume, attach_detach::Wanted;
using core::v1::Node;
using informers::NodeView;
using VolumeClaim = attach_detach::Claim;

// So long somebody else may take to attach a volume until that is told of, again and again.
constexpr Duration kAttachMost = 2min;

class AttachDetach final : public Loop {
 public:
  explicit AttachDetach(const World& world)
      : client_(world.client),
        clock_(world.clock),
        events_(world.events),
        log_(world.log),
        options_(*world.options),
        attachments_(world.informer<Attachment>()),
        seen_(world) {}

  Task<Outcome> reconcile(ObjectKey key) override {
    const std::string node = key.name;
    attach_detach::Facts facts = look_at(node);
    attach_detach::Plan plan = attach_detach::plan(facts);
    if (!plan.attach.empty()) {
      // Another node may have been given the volume a moment ago, and the copy not show it yet.
      co_await attachments_.catch_up();
      facts = look_at(node);
      plan = attach_detach::plan(facts);
    }
    for (const Wanted& wanted : plan.attached)
      tell(wanted, "Normal", "SuccessfulAttachVolume", attach_detach::attached_text(wanted));
    tell_refused(node, plan.refused);
    const Duration next = tell_waiting(node, facts, plan.waiting);
    if (memory_[node].is_empty()) memory_.erase(node);

    const bool is_told = co_await tell_node(facts, plan.told);
    if (!is_told) co_return Outcome::done();  // another node of that name brings its key
    if (!plan.detach.empty()) co_await detach_all(node, facts, plan);
    co_await attach_all(node, plan.attach);
    Duration again = plan.look_again;
    if (next > Duration::zero() && (again == Duration::zero() || next < again)) again = next;
    co_return again > Duration::zero() ? Outcome::again_after(again) : Outcome::done();
  }

 private:
  // What the process knows of a node beyond what can be seen, and begins anew with it, as upstream's.
  struct Waiting {
    Steady since{};
    std::string told;  // the last failure
  };
  struct Memory {
    std::map<std::string, Steady> unwanted;  // since when, by UIDs of attachments
    std::set<std::string> refused;           // volumes of which it was told
    std::map<std::string, Waiting> waiting;  // by UIDs of attachments
    bool is_empty() const { return unwanted.empty() && refused.empty() && waiting.empty(); }
  };

  attach_detach::Facts look_at(const std::string& node) {
    attach_detach::Facts out = seen_.facts_of(node);
    out.may_force = !options_.disable_force_detach_on_timeout;
    remember_unwanted(node, out);
    return out;
  }

  void remember_unwanted(const std::string& node, attach_detach::Facts& facts) {
    std::map<std::string, Steady> before = std::exchange(memory_[node].unwanted, {});
    const Steady now = clock_.steady();
    for (attach_detach::Existing& existing : facts.existing) {
      const bool is_wanted = existing.volume && std::ranges::any_of(facts.wanted, [&](const Wanted& each) {
                               return each.volume.unique_name() == existing.volume->unique_name();
                             });
      if (is_wanted) continue;
      const std::string& uid = existing.attachment->metadata().uid();
      const auto known = before.find(uid);
      const Steady since = known == before.end() ? now : known->second;
      memory_[node].unwanted[uid] = since;
      existing.unwanted_for = now - since;
    }
  }

  // -- Telling
  void tell(const Wanted& wanted, const char* type, const char* reason, const std::string& text) {
    for (const Ref<PodView>& pod : wanted.pods) events_.record(reference_to(*pod), type, reason, text);
  }

  void tell_refused(const std::string& node, const std::vector<Wanted>& refused) {
    const std::set<std::string> before = std::exchange(memory_[node].refused, {});
    for (const Wanted& wanted : refused) {
      const std::string name = wanted.volume.unique_name();
      memory_[node].refused.insert(name);
      if (before.contains(name)) continue;
      for (const Ref<PodView>& pod : wanted.pods) {
        events_.warning(reference_to(*pod), "FailedAttachVolume", attach_detach::elsewhere_text(wanted, *pod));
      }
    }
  }

  // When something is to be told next; zero: when it changes.
  Duration tell_waiting(const std::string& node, const attach_detach::Facts& facts, const std::vector<Wanted>& waiting) {
    std::map<std::string, Waiting> before = std::exchange(memory_[node].waiting, {});
    const Steady now = clock_.steady();
    Duration next{};
    for (const Wanted& wanted : waiting) {
      const Ref<Attachment> attachment = attach_detach::attachment_to(facts, wanted);
      const auto known = before.find(attachment->metadata().uid());
      Waiting& entry = memory_[node].waiting[attachment->metadata().uid()];
      entry = known == before.end() ? Waiting{.since = now, .told = {}} : known->second;
      if (attachment->status().has_attach_error()) {
        const std::string error = api::encode_protobuf(attachment->status().attach_error());
        if (std::exchange(entry.told, error) == error) continue;
        entry.since = now;
        tell(wanted, "Warning", "FailedAttachVolume",
             attach_detach::failed_text(wanted, attachment->status().attach_error().message()));
        continue;
      }
      if (now - entry.since >= kAttachMost) {
        entry.since = now;
        tell(wanted, "Warning", "FailedAttachVolume", attach_detach::late_text(wanted));
      }
      const Duration left = entry.since + kAttachMost - now;
      next = next == Duration::zero() ? left : std::min(next, left);
    }
    return next;
  }

  // False: there is no such node any more.
  Task<bool> tell_node(const attach_detach::Facts& facts, std::vector<std::pair<std::string, std::string>> told) {
    if (!facts.node || facts.node->volumes_attached == told) co_return true;
    Patch patch = Patch::strategic(attach_detach::told_patch(facts.node->uid, told));
    patch.pinned = true;
    const Patched done = co_await client_.try_patch<Node>(facts.node->key(), std::move(patch), "status");
    co_return done == Patched::Yes;
  }

  // -- Doing
  // Nodes were told before that the volumes are attached no more, so that no kubelet begins to use one; one that has begun already says so
  // by now, and is told otherwise again.
  Task<void> detach_all(std::string node, const attach_detach::Facts& facts, const attach_detach::Plan& plan) {
    std::optional<Node> live;
    auto told = plan.told;
    for (const attach_detach::Detach& each : plan.detach) {
      if (each.asks_node && !live) live = co_await client_.find<Node>(facts.node->key());
      const bool is_used = each.asks_node && live && std::ranges::count(live->status().volumes_in_use(), each.unique_name) > 0;
      if (is_used) {
        if (each.attachment->status().attached()) told.emplace_back(each.unique_name, "");
        continue;
      }
      DeleteOptions options;
      options.uid = each.attachment->metadata().uid();
      const Removed removed = co_await client_.remove<Attachment>(key_of(*each.attachment), std::move(options));
      if (removed == Removed::Yes) log_.info("volume is being detached", "node", node, "volume", each.unique_name);
    }
    if (told == plan.told) co_return;
    Patch patch = Patch::strategic(attach_detach::told_patch(facts.node->uid, told));
    patch.pinned = true;
    co_await client_.try_patch<Node>(facts.node->key(), std::move(patch), "status");
  }

  // One that is refused keeps none of the others; the first refusal is thrown at the end.
  Task<void> attach_all(std::string node, std::vector<Wanted> all) {
    std::string failure;
    for (const Wanted& wanted : all) {
      const Created<Attachment> created =
          co_await client_.try_create<Attachment>(attach_detach::attachment_of(wanted.volume, node));
      if (created.made == Made::Yes) log_.info("volume is being attached", "node", node, "volume", wanted.volume.name);
      if (!created.refusal || created.made == Made::Exists) continue;
      const std::string text = attach_detach::failed_text(wanted, created.refusal->what());
      tell(wanted, "Warning", "FailedAttachVolume", text);
      if (failure.empty()) failure = text;
    }
    if (!failure.empty()) throw std::runtime_error(failure);
  }

  Client& client_;
  const Clock& clock_;
  EventRecorder& events_;
  const Log log_;
  const Options& options_;
  Informer<Attachment>& attachments_;
  attach_detach::Seen seen_;
  std::map<std::string, Memory> memory_;  // by node
};

using Wakes = std::vector<LoopBuilder::Wake>;

Wakes wakes_of(LoopBuilder::Keys keys) {
  Wakes out;
  for (ObjectKey& key : keys) out.push_back({.key = std::move(key)});
  return out;
}

Wakes nodes_of_pod(const PodView* before, const PodView* after, const World&) {
  const auto node_of = [](const PodView* pod) {
    return pod && attach_detach::holds_volumes(*pod) ? ObjectKey{{}, std::string(pod->node_name.view())} : ObjectKey();
  };
  const ObjectKey from = node_of(before), to = node_of(after);
  if (from == to && (!before || !after || before->uid == after->uid)) return {};
  LoopBuilder::Keys out;
  if (!from.name.empty()) out.push_back(from);
  if (!to.name.empty() && to != from) out.push_back(to);
  return wakes_of(std::move(out));
}

// What is bound to what; sizes and the like change for themselves.
Wakes nodes_of_claim(const VolumeClaim* before, const VolumeClaim* after, const World& world) {
  const auto told = [](const VolumeClaim* claim) {
    return claim ? claim->metadata().uid() + " " + claim->status().phase() + " " + claim->spec().volume_name() : std::string();
  };
  if (told(before) == told(after)) return {};
  return wakes_of(attach_detach::nodes_of_claim(world, key_of(after ? *after : *before)));
}
Wakes nodes_of_volume(const Volume* before, const Volume* after, const World& world) {
  const auto told = [](const Volume* volume) {
    return volume ? volume->metadata().uid() + " " + volume->spec().claim_ref().uid() : std::string();
  };
  if (told(before) == told(after)) return {};
  return wakes_of(attach_detach::nodes_of_volume(world, after ? *after : *before));
}
Wakes nodes_of_driver(const Driver* before, const Driver* after, const World& world) {
  if (attach_detach::needs_attaching(before) == attach_detach::needs_attaching(after)) return {};
  LoopBuilder::Keys out;
  for (const Ref<NodeView>& node : world.informer<NodeView>().list()) out.push_back(node->key());
  return wakes_of(std::move(out));
}

std::optional<Duration> change_of_node(const NodeView* before, const NodeView* after) {
  const auto had = [](const NodeView& node, const char* key) {
    return std::ranges::any_of(node.taints, [&](const auto& taint) { return taint.key() == key; });
  };
  constexpr const char* kOutOfService = "node.kubernetes.io/out-of-service";
  const bool is_same = before && after && before->uid == after->uid && before->ready == after->ready &&
                       before->is_attached_to == after->is_attached_to && before->volumes_in_use == after->volumes_in_use &&
                       before->volumes_attached == after->volumes_attached &&
                       had(*before, kOutOfService) == had(*after, kOutOfService);
  if (is_same) return std::nullopt;
  return Duration::zero();
}

}  // namespace

void attach_detach_loop(LoopBuilder& loop) {
  loop.reconciles_changes<NodeView>(change_of_node)
      .watches<Attachment>(
          [](const Attachment& attachment, const World& world) { return attach_detach::nodes_of_attachment(world, attachment); })
      .watches_changes<PodView>(nodes_of_pod)
      .watches_changes<VolumeClaim>(nodes_of_claim)
      .watches_changes<Volume>(nodes_of_volume)
      .watches_changes<Driver>(nodes_of_driver)
      .event_source("attachdetach-controller")
      .with<AttachDetach>();
}

}  // namespace ph::controllers
