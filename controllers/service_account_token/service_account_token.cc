// serviceaccount-token: fills Secrets that are to hold a token of a service account, and takes them away with it.
//
//   reads     v1 Secret           informer of token Secrets alone; live before it is written
//             v1 ServiceAccount   informer; live before its Secret goes for want of it
//   writes    v1 Secret           update: token, ca.crt, namespace, and whose it is; delete, pinned to the UID
//             v1 ServiceAccount   update: a reference to a Secret that was deleted
//   upstream  pkg/controller/serviceaccount (tokens_controller.go)
//
// It acts as the controller manager itself, as upstream's does. A reference goes when the Secret is seen to go; those that nobody saw go
// stay, for references may stand before what they name.
#include "controllers/runtime/options.h"
#include "controllers/service_account_token/plan.h"

namespace ph::controllers {
namespace {

using core::v1::Secret;
using core::v1::ServiceAccount;
using service_account_token::Subject;

constexpr const char* kByAccount = "account";

LoopBuilder::Keys secrets_of(const ServiceAccount& account, const World& world) {
  LoopBuilder::Keys out;
  for (const auto& secret : world.informer<TokenSecret>().by_index(kByAccount, key_of(account).text()))
    out.push_back(service_account_token::key_for(secret->object));
  return out;
}

class ServiceAccountTokens final : public Loop {
 public:
  explicit ServiceAccountTokens(const World& world)
      : client_(world.client),
        log_(world.log),
        authority_(world.options->root_ca),
        sign_(world.options->sign_token),
        secrets_(world.informer<TokenSecret>()),
        accounts_(world.informer<ServiceAccount>()) {
    secrets_.add_index(kByAccount, [](const TokenSecret& secret) { return std::vector{account_of(secret.object).text()}; });
  }

  Task<Outcome> reconcile(ObjectKey key) override {
    const Subject subject = service_account_token::subject_of(key);
    const auto cached = secrets_.find({key.namespace_name, subject.secret});
    if (!cached) {
      co_await forget(key.namespace_name, subject);
      co_return Outcome::done();
    }
    const Secret& secret = cached->object;
    // Another's by now: then there is another key for it. Or on its way out.
    if (service_account_token::key_for(secret) != key || secret.metadata().has_deletion_timestamp()) co_return Outcome::done();
    // The server takes none without a name.
    if (account_of(secret).name.empty()) co_return Outcome::done();
    const std::optional<ServiceAccount> account = co_await owner_of(cached);
    if (!account) co_await remove(key_of(secret), secret.metadata().uid());
    else if (sign_ && service_account_token::lacks_something(secret, authority_)) co_await fill(cached, *account);
    co_return Outcome::done();
  }

 private:
  // The cache may not show it yet.
  Task<std::optional<ServiceAccount>> owner_of(Ref<TokenSecret> secret) {
    const ObjectKey key = account_of(secret->object);
    const auto cached = accounts_.find(key);
    if (cached && is_token_of(secret->object, *cached)) co_return *cached;
    std::optional<ServiceAccount> live = co_await client_.find<ServiceAccount>(key);
    if (live && !is_token_of(secret->object, *live)) live.reset();
    co_return live;
  }

  Task<void> remove(ObjectKey key, std::string uid) {
    DeleteOptions options;
    options.uid = std::move(uid);
    const Removed removed = co_await client_.remove<Secret>(key, options);
    if (removed == Removed::Yes) log_.info("token deleted, its service account is gone", "secret", key);
  }

  // It is written back whole, so it is read live; one that is not as it was judged comes again by the informer.
  Task<void> fill(Ref<TokenSecret> judged, ServiceAccount account) {
    std::optional<Secret> live = co_await client_.find<Secret>(judged->key());
    if (!live || live->metadata().resource_version() != judged->object.metadata().resource_version()) co_return;
    co_await client_.try_update<Secret>(service_account_token::filled(std::move(*live), account, authority_, sign_));
  }

  Task<void> forget(std::string space, Subject subject) {
    const ObjectKey key{space, subject.account};
    if (subject.account.empty() || !accounts_.find(key)) co_return;
    std::optional<ServiceAccount> live = co_await client_.find<ServiceAccount>(key);
    if (!live || (!subject.account_uid.empty() && live->metadata().uid() != subject.account_uid)) co_return;
    auto changed = service_account_token::without_reference(std::move(*live), subject.secret);
    if (changed) co_await client_.try_update<ServiceAccount>(std::move(*changed));
  }

  Client& client_;
  const Log log_;
  const std::string authority_;
  const std::function<std::string(std::string_view)> sign_;
  Informer<TokenSecret>& secrets_;
  Informer<ServiceAccount>& accounts_;
};

}  // namespace

void service_account_token_loop(LoopBuilder& loop) {
  loop.watches<TokenSecret>([](const TokenSecret& secret, const World&) -> LoopBuilder::Keys {
        if (secret.object.type() != kTokenSecretType) return {};
        return {service_account_token::key_for(secret.object)};
      })
      .watches<ServiceAccount>(secrets_of)
      .with<ServiceAccountTokens>();
}

}  // namespace ph::controllers
