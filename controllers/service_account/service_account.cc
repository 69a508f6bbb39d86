// serviceaccount: every namespace has a ServiceAccount `default`, which pods run as when they name no other.
//
//   reads     v1 Namespace, v1 ServiceAccount   informers
//   writes    v1 ServiceAccount                 create
//   upstream  pkg/controller/serviceaccount
#include "controllers/common/namespaces.h"
#include "controllers/runtime/loop.h"

namespace ph::controllers {
namespace {

using core::v1::Namespace;
using core::v1::ServiceAccount;

class ServiceAccounts final : public Loop {
 public:
  explicit ServiceAccounts(const World& world)
      : client_(world.client), namespaces_(world.informer<Namespace>()), accounts_(world.informer<ServiceAccount>()) {}

  Task<Outcome> reconcile(ObjectKey key) override {
    const auto space = namespaces_.find(key);
    if (!space || !takes_content(*space)) co_return Outcome::done();
    if (accounts_.find({key.name, "default"})) co_return Outcome::done();
    ServiceAccount account;
    account.mutable_metadata()->set_namespace_(key.name);
    account.mutable_metadata()->set_name("default");
    co_await provide(client_, std::move(account));
    co_return Outcome::done();
  }

 private:
  Client& client_;
  Informer<Namespace>& namespaces_;
  Informer<ServiceAccount>& accounts_;
};

}  // namespace

void service_account(LoopBuilder& loop) {
  loop.reconciles<Namespace>(takes_content)
      .watches<ServiceAccount>([](const ServiceAccount& account, const World&) -> LoopBuilder::Keys {
        if (account.metadata().name() != "default") return {};
        return {{{}, account.metadata().namespace_()}};
      })
      .with<ServiceAccounts>();
}

}  // namespace ph::controllers
