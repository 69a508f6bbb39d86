// bootstrap-signer: keeps the signatures by which a machine that knows a bootstrap token can trust what cluster-info says.
//
//   reads     v1 Secret      informer: bootstrap tokens of kube-system alone
//             v1 ConfigMap   informer of kube-public/cluster-info alone; live before it is written
//   writes    v1 ConfigMap   update of kube-public/cluster-info: the jws-kubeconfig-<token id> members
//   upstream  pkg/controller/bootstrap (bootstrapsigner.go)
//
// Beyond upstream, a signature goes when its token expires, whether or not the token cleaner runs.
#include "controllers/bootstrap_signer/signatures.h"
#include "informers/selected.h"

namespace ph::controllers {
namespace {

using core::v1::ConfigMap;

// The one ConfigMap that is followed.
struct OfClusterInfo {
  static std::string fields() { return "metadata.name=cluster-info,metadata.namespace=kube-public"; }
};
using ClusterInfo = informers::Selected<ConfigMap, OfClusterInfo>;

const ObjectKey& cluster_info() {
  static const ObjectKey key{"kube-public", "cluster-info"};
  return key;
}

class BootstrapSigner final : public Loop {
 public:
  explicit BootstrapSigner(const World& world)
      : client_(world.client),
        clock_(world.clock),
        infos_(world.informer<ClusterInfo>()),
        tokens_(world.informer<BootstrapToken>()) {}

  Task<Outcome> reconcile(ObjectKey key) override {
    const Ref<ClusterInfo> cached = infos_.find(key);
    if (!cached) co_return Outcome::done();
    if (bootstrap_signer::signed_info(cached->object, tokens_.list(), clock_.now())) co_await sign(key);
    if (const auto next = bootstrap_signer::next_expiry(tokens_.list(), clock_.now())) co_return Outcome::again_at(*next);
    co_return Outcome::done();
  }

 private:
  // It is written back whole, so it is read live; somebody who writes meanwhile makes this a conflict, and it is done again.
  Task<void> sign(ObjectKey key) {
    const std::optional<ConfigMap> live = co_await client_.find<ConfigMap>(key);
    if (!live) co_return;
    auto changed = bootstrap_signer::signed_info(*live, tokens_.list(), clock_.now());
    if (!changed) co_return;
    // One that was deleted meanwhile needs none.
    co_await client_.try_update<ConfigMap>(std::move(*changed));
  }

  Client& client_;
  const Clock& clock_;
  Informer<ClusterInfo>& infos_;
  Informer<BootstrapToken>& tokens_;
};

}  // namespace

void bootstrap_signer_loop(LoopBuilder& loop) {
  loop.watches<ClusterInfo>([](const ClusterInfo& info, const World&) -> LoopBuilder::Keys {
        if (info.key() != cluster_info()) return {};
        return {cluster_info()};
      })
      .watches<BootstrapToken>([](const BootstrapToken& token, const World&) -> LoopBuilder::Keys {
        if (!is_bootstrap_token(token)) return {};
        return {cluster_info()};
      })
      .with<BootstrapSigner>();
}

}  // namespace ph::controllers
