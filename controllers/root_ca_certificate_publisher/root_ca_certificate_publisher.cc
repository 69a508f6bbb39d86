// root-ca-certificate-publisher: every namespace has a ConfigMap kube-root-ca.crt with the authority by which its pods know the
// apiserver; the volume that carries a pod's token mounts it.
//
//   reads     v1 Namespace   informer
//             v1 ConfigMap   informer of those of that name alone
//   writes    v1 ConfigMap   create; update: the data, and the annotation that says what it is
//   upstream  pkg/controller/certificates/rootcacertpublisher
#include "controllers/common/namespaces.h"
#include "controllers/runtime/loop.h"
#include "controllers/runtime/options.h"
#include "informers/selected.h"

namespace ph::controllers {
namespace {

using core::v1::ConfigMap;
using core::v1::Namespace;

constexpr const char* kName = "kube-root-ca.crt";
constexpr const char* kMember = "ca.crt";
constexpr const char* kAnnotation = "kubernetes.io/description";
constexpr const char* kDescription =
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal "
    "service "
    "IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";

struct OfThatName {
  static std::string fields() { return std::string("metadata.name=") + kName; }
};
using RootCaMap = informers::Selected<ConfigMap, OfThatName>;

bool says(const ConfigMap& map, const std::string& authority) {
  const auto member = map.data().find(kMember);
  if (map.data().size() != 1 || member == map.data().end() || member->second != authority) return false;
  // Somebody's own words may stay, as upstream lets them.
  const auto words = map.metadata().annotations().find(kAnnotation);
  return words != map.metadata().annotations().end() && !words->second.empty();
}

void say(ConfigMap& map, const std::string& authority) {
  map.clear_data();
  (*map.mutable_data())[kMember] = authority;
  (*map.mutable_metadata()->mutable_annotations())[kAnnotation] = kDescription;
}

class RootCaPublisher final : public Loop {
 public:
  explicit RootCaPublisher(const World& world)
      : client_(world.client),
        authority_(world.options->root_ca),
        namespaces_(world.informer<Namespace>()),
        maps_(world.informer<RootCaMap>()) {}

  Task<Outcome> reconcile(ObjectKey key) override {
    const auto space = namespaces_.find(key);
    if (!space || !takes_content(*space)) co_return Outcome::done();
    const auto cached = maps_.find({key.name, kName});
    if (!cached) {
      co_await provide(client_, fresh(key.name));
      co_return Outcome::done();
    }
    if (says(cached->object, authority_)) co_return Outcome::done();
    // The loop's account may not read it live. What it did not see makes this a conflict, and it is done again.
    ConfigMap changed = cached->object;
    say(changed, authority_);
    co_await client_.update<ConfigMap>(std::move(changed));
    co_return Outcome::done();
  }

 private:
  ConfigMap fresh(const std::string& space) const {
    ConfigMap map;
    map.mutable_metadata()->set_namespace_(space);
    map.mutable_metadata()->set_name(kName);
    say(map, authority_);
    return map;
  }

  Client& client_;
  const std::string authority_;
  Informer<Namespace>& namespaces_;
  Informer<RootCaMap>& maps_;
};

}  // namespace

void root_ca_certificate_publisher(LoopBuilder& loop) {
  loop.reconciles<Namespace>(takes_content)
      .watches<RootCaMap>([](const RootCaMap& followed, const World&) -> LoopBuilder::Keys {
        if (followed.object.metadata().name() != kName) return {};
        return {{{}, followed.object.metadata().namespace_()}};
      })
      .with<RootCaPublisher>();
}

}  // namespace ph::controllers
