// hollow-csi-provisioner and host-path-provisioner: make the volumes that claims wait for, and delete them behind their claims. Off
// unless asked for: what others do in a cluster with real storage.
//
//   reads     v1 PersistentVolumeClaim, PersistentVolume, Node, storage.k8s.io/v1 StorageClass, VolumeAttachment   informers; a
//             node that is not known live; the copy of attachments is caught up before a volume is let go
//   writes    v1 PersistentVolume        create; delete; update: its finalizer
//             v1 PersistentVolumeClaim   patch: a selected node that cannot be is forgotten, so that the scheduler chooses again
//             v1 Event                   Provisioning, ProvisioningSucceeded, ProvisioningFailed, about claims; VolumeFailedDelete
//   upstream  kubernetes-csi/external-provisioner
//
// Keys with a namespace are claims', those without are volumes'.
#include <nlohmann/json.hpp>

#include "api/volumes.h"
#include "controllers/common/protection.h"
#include "controllers/hollow_csi/plan.h"
#include "controllers/runtime/loop.h"

namespace ph::controllers {
namespace {

using core::v1::Node;
using hollow_csi::Attachment, hollow_csi::Claim, hollow_csi::Volume;
using storage::v1::StorageClass;

constexpr const char* kByVolume = "by volume";

std::vector<std::string> volume_of(const Attachment& attachment) { return {attachment.spec().source().persistent_volume_name()}; }

class Provisioner : public Loop {
 public:
  Provisioner(const World& world, const char* name)
      : name_(name),
        client_(world.client),
        events_(world.events),
        log_(world.log),
        claims_(world.informer<Claim>()),
        volumes_(world.informer<Volume>()),
        classes_(world.informer<StorageClass>()),
        nodes_(world.informer<Node>()),
        attachments_(world.informer<Attachment>()) {
    attachments_.add_index(kByVolume, volume_of);
  }

  Task<Outcome> reconcile(ObjectKey key) override {
    if (key.namespace_name.empty()) co_return co_await look_at_volume(std::move(key));
    co_return co_await look_at_claim(std::move(key));
  }

 private:
  Task<Outcome> look_at_claim(ObjectKey key) {
    const Ref<Claim> claim = claims_.find(key);
    if (!claim || !hollow_csi::is_to_provision(*claim, name_)) co_return Outcome::done();
    if (volumes_.find({{}, hollow_csi::volume_name(*claim)})) co_return Outcome::done();
    const Ref<StorageClass> of = classes_.find({{}, claim->spec().storage_class_name()});
    if (!of || of->provisioner() != name_) co_return Outcome::done();  // with the class the claim comes again
    const std::string& chosen = hollow_csi::selected_node(*claim);
    if (of->volume_binding_mode() == "WaitForFirstConsumer" && chosen.empty()) co_return Outcome::done();
    if (chosen.empty()) co_return co_await make(*claim, *of, nullptr);
    if (const Ref<Node> node = nodes_.find({{}, chosen})) co_return co_await make(*claim, *of, node.get());
    const std::optional<Node> live = co_await client_.find<Node>({{}, chosen});
    if (!live) co_return co_await choose_again(*claim, chosen);
    co_return co_await make(*claim, *of, &*live);
  }

  Task<Outcome> make(const Claim& claim, const StorageClass& of, const Node* node) {
    const auto about = informers::reference_to(claim);
    const std::string key = key_of(claim).text();
    std::expected<Volume, std::string> volume = hollow_csi::volume_for(claim, of, node);
    std::string refusal;
    if (!volume) {
      refusal = volume.error();
    } else {
      events_.normal(about, "Provisioning", fmt::format("External provisioner is provisioning volume for claim \"{}\"", key));
      const std::string name = volume->metadata().name();
      const Created<Volume> made = co_await client_.try_create<Volume>(*std::move(volume));
      if (made.made == Made::Exists) co_return Outcome::done();  // of an earlier try, and not seen yet
      if (!made.refusal) {
        events_.normal(about, "ProvisioningSucceeded", fmt::format("Successfully provisioned volume {}", name));
        log_.info("volume made", "claim", key, "volume", name);
        co_return Outcome::done();
      }
      refusal = made.refusal->what();
    }
    events_.warning(about, "ProvisioningFailed",
                    fmt::format("failed to provision volume with StorageClass \"{}\": {}", of.metadata().name(), refusal));
    co_return Outcome::again();
  }

  Task<Outcome> choose_again(const Claim& claim, const std::string& node) {
    events_.warning(informers::reference_to(claim), "ProvisioningFailed",
                    fmt::format("failed to get target node: node \"{}\" not found", node));
    // The scheduler may have chosen another one meanwhile.
    const nlohmann::json metadata = {{"uid", claim.metadata().uid()},
                                     {"resourceVersion", claim.metadata().resource_version()},
                                     {"annotations", {{api::kSelectedNode, nullptr}}}};
    Patch patch = Patch::merge(nlohmann::json{{"metadata", metadata}}.dump());
    patch.pinned = true;
    co_await client_.try_patch<Claim>(key_of(claim), std::move(patch));
    co_return Outcome::done();
  }

  Task<Outcome> look_at_volume(ObjectKey key) {
    Ref<Volume> volume = volumes_.find(key);
    if (!volume || !is_to_go(*volume)) co_return Outcome::done();
    co_await attachments_.catch_up();
    volume = volumes_.find(key);
    if (!volume || !is_to_go(*volume)) co_return Outcome::done();
    if (const auto attached = attachments_.by_index(kByVolume, key.name); !attached.empty()) {
      events_.warning(
          informers::reference_to(*volume), "VolumeFailedDelete",
          fmt::format("persistentvolume {} is still attached to node {}", key.name, attached.front()->spec().node_name()));
      co_return Outcome::done();  // with the end of the attachment the volume comes again
    }
    if (hollow_csi::is_to_let_go(*volume, name_)) {
      Volume wanted = *volume;
      drop_finalizer(*wanted.mutable_metadata(), hollow_csi::kProvisionerFinalizer);
      co_await client_.try_update<Volume>(std::move(wanted));
      co_return Outcome::done();
    }
    DeleteOptions options;
    options.uid = volume->metadata().uid();
    co_await client_.remove<Volume>(key, std::move(options));
    co_return Outcome::done();
  }

  bool is_to_go(const Volume& volume) const {
    return hollow_csi::is_to_let_go(volume, name_) || hollow_csi::is_to_delete(volume, name_);
  }

  const char* const name_;
  Client& client_;
  EventRecorder& events_;
  const Log log_;
  Informer<Claim>& claims_;
  Informer<Volume>& volumes_;
  Informer<StorageClass>& classes_;
  Informer<Node>& nodes_;
  Informer<Attachment>& attachments_;
};

class HollowCsiProvisioner final : public Provisioner {
 public:
  explicit HollowCsiProvisioner(const World& world) : Provisioner(world, hollow_csi::kDriver) {}
};
class HostPathProvisioner final : public Provisioner {
 public:
  explicit HostPathProvisioner(const World& world) : Provisioner(world, hollow_csi::kHostPath) {}
};

template <class L>
void declare(LoopBuilder& loop, const char* name) {
  loop.reconciles<Claim>([name](const Claim& claim) { return hollow_csi::is_to_provision(claim, name); })
      .template reconciles<Volume>([name](const Volume& volume) {
        return hollow_csi::is_to_delete(volume, name) || hollow_csi::is_to_let_go(volume, name);
      })
      .template watches<StorageClass>([name](const StorageClass& of, const World& world) {
        LoopBuilder::Keys out;
        if (of.provisioner() != name) return out;
        for (const Ref<Claim>& claim : world.informer<Claim>().list()) {
          if (hollow_csi::is_to_provision(*claim, name)) out.push_back(key_of(*claim));
        }
        return out;
      })
      .template watches<Attachment>([](const Attachment& attachment, const World&) -> LoopBuilder::Keys {
        const std::string& volume = attachment.spec().source().persistent_volume_name();
        if (volume.empty()) return {};
        return {{{}, volume}};
      })
      .template reads<Node>()
      .event_source(name)
      .template with<L>();
}

}  // namespace

void hollow_csi_provisioner_loop(LoopBuilder& loop) { declare<HollowCsiProvisioner>(loop, hollow_csi::kDriver); }
void host_path_provisioner_loop(LoopBuilder& loop) { declare<HostPathProvisioner>(loop, hollow_csi::kHostPath); }

}  // namespace ph::controllers
