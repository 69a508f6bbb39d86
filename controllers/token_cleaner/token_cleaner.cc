// token-cleaner: deletes bootstrap tokens at the moment they expire.
//
//   reads     v1 Secret   informer: bootstrap tokens of kube-system alone
//   writes    v1 Secret   delete: pinned to the UID and revision that were judged
//   upstream  pkg/controller/bootstrap (tokencleaner.go)
#include "controllers/common/bootstrap_tokens.h"

namespace ph::controllers {
namespace {

using core::v1::Secret;

class TokenCleaner final : public Loop {
 public:
  explicit TokenCleaner(const World& world)
      : client_(world.client), clock_(world.clock), log_(world.log), tokens_(world.informer<BootstrapToken>()) {}

  Task<Outcome> reconcile(ObjectKey key) override {
    const Ref<BootstrapToken> token = tokens_.find(key);
    if (!token || !is_bootstrap_token(*token) || token->deleting) co_return Outcome::done();
    const auto due = expiry(*token);
    if (!due) co_return Outcome::done();
    if (*due > clock_.now()) co_return Outcome::again_at(*due);

    // The cache may lag behind a user who has just prolonged it: the revision keeps what was not judged.
    DeleteOptions options;
    options.uid = token->uid;
    options.resource_version = to_string(token->revision);
    const Removed removed = co_await client_.remove<Secret>(key, options);
    if (removed == Removed::Yes) log_.info("expired token deleted", "secret", key, "expiration", token->expiration);
    co_return removed == Removed::Changed ? Outcome::again() : Outcome::done();
  }

 private:
  Client& client_;
  const Clock& clock_;
  const Log log_;
  Informer<BootstrapToken>& tokens_;
};

}  // namespace

void token_cleaner(LoopBuilder& loop) { loop.reconciles<BootstrapToken>(is_bootstrap_token).with<TokenCleaner>(); }

}  // namespace ph::controllers
