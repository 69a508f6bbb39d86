// hollow-csi-attacher: attaches the hollow driver's volumes to nodes, and takes them off. Off unless asked for.
//
//   reads     storage.k8s.io/v1 VolumeAttachment, v1 PersistentVolume   informers, that of attachments caught up before one is told
//   writes    storage.k8s.io/v1 VolumeAttachment   update: its finalizer; status
//   upstream  kubernetes-csi/external-attacher
//
// A volume that only one node may have is not attached to a second one, whoever asks. A key is a volume, so that no two workers judge who
// gets it; and those who ask come in an order that no copy of an older state gives otherwise (`is_before`).
#include <algorithm>

#include <fmt/format.h>

#include "api/times.h"
#include "controllers/common/protection.h"
#include "controllers/hollow_csi/plan.h"
#include "controllers/runtime/loop.h"

namespace ph::controllers {
namespace {

using hollow_csi::Attachment, hollow_csi::Volume;

constexpr const char* kByVolume = "by volume, of the hollow driver";

bool is_ours(const Attachment& attachment) { return attachment.spec().attacher() == hollow_csi::kDriver; }

const std::string& volume_of(const Attachment& attachment) { return attachment.spec().source().persistent_volume_name(); }

std::vector<std::string> index_key(const Attachment& attachment) {
  if (!is_ours(attachment)) return {};
  return {volume_of(attachment)};
}

class HollowCsiAttacher final : public Loop {
 public:
  explicit HollowCsiAttacher(const World& world)
      : client_(world.client),
        clock_(world.clock),
        attachments_(world.informer<Attachment>()),
        volumes_(world.informer<Volume>()) {
    attachments_.add_index(kByVolume, index_key);
  }

  Task<Outcome> reconcile(ObjectKey key) override {
    std::vector<Ref<Attachment>> all = attachments_.by_index(kByVolume, key.name);
    if (std::ranges::any_of(all, [](const auto& each) { return hollow_csi::is_to_attach(*each); })) {
      // The volume may have got to another node a moment ago.
      co_await attachments_.catch_up();
      all = attachments_.by_index(kByVolume, key.name);
    }
    std::ranges::sort(all, [](const auto& a, const auto& b) { return hollow_csi::is_before(*a, *b); });
    const Ref<Volume> volume = volumes_.find({{}, key.name});
    const bool is_shared = volume && hollow_csi::is_shared(*volume);
    const std::string taken_by = is_shared ? std::string() : hollow_csi::taken_by(all);
    for (const Ref<Attachment>& each : all) {
      if (protection_of(each->metadata(), hollow_csi::kAttacherFinalizer) == Protection::Leaving) co_await take_off(*each);
      if (!hollow_csi::is_to_attach(*each)) continue;
      if (!volume) co_await refuse(*each, fmt::format("persistentvolume \"{}\" not found", key.name));
      else if (is_shared || taken_by == each->spec().node_name()) co_await attach(*each);
      else co_await refuse(*each, fmt::format("volume {} is attached to node {}", key.name, taken_by));
    }
    co_return Outcome::done();
  }

 private:
  // First what keeps it until it is taken off.
  Task<void> attach(const Attachment& attachment) {
    Attachment wanted = attachment;
    if (protection_of(attachment.metadata(), hollow_csi::kAttacherFinalizer) == Protection::Lacks) {
      add_finalizer(*wanted.mutable_metadata(), hollow_csi::kAttacherFinalizer);
      (*wanted.mutable_metadata()->mutable_annotations())["csi.alpha.kubernetes.io/node-id"] = wanted.spec().node_name();
      co_await client_.try_update<Attachment>(std::move(wanted));
      co_return;  // the next look goes on
    }
    wanted.mutable_status()->set_attached(true);
    wanted.mutable_status()->clear_attach_error();
    co_await client_.try_update_status<Attachment>(std::move(wanted));
  }

  Task<void> refuse(const Attachment& attachment, const std::string& why) {
    if (attachment.status().attach_error().message() == why) co_return;
    Attachment wanted = attachment;
    auto& error = *wanted.mutable_status()->mutable_attach_error();
    error.set_message(why);
    api::set_time(error.mutable_time(), clock_.now());
    co_await client_.try_update_status<Attachment>(std::move(wanted));
  }

  Task<void> take_off(const Attachment& attachment) {
    Attachment wanted = attachment;
    if (attachment.status().attached()) {
      wanted.mutable_status()->set_attached(false);
      co_await client_.try_update_status<Attachment>(std::move(wanted));
      co_return;  // the next look takes the finalizer away
    }
    drop_finalizer(*wanted.mutable_metadata(), hollow_csi::kAttacherFinalizer);
    co_await client_.try_update<Attachment>(std::move(wanted));
  }

  Client& client_;
  const Clock& clock_;
  Informer<Attachment>& attachments_;
  Informer<Volume>& volumes_;
};

}  // namespace

void hollow_csi_attacher_loop(LoopBuilder& loop) {
  loop.watches<Attachment>([](const Attachment& attachment, const World&) -> LoopBuilder::Keys {
        if (!is_ours(attachment)) return {};
        return {{{}, volume_of(attachment)}};
      })
      .watches<Volume>([](const Volume& volume, const World&) -> LoopBuilder::Keys { return {key_of(volume)}; })
      .event_source(hollow_csi::kDriver)
      .with<HollowCsiAttacher>();
}

}  // namespace ph::controllers
