// serviceaccount-token: accounts that come, go and come again, and Secrets that are to hold their tokens; some are spoiled, some are for
// accounts that were, or never are.
#include <fmt/format.h>

#include "controllers/common/token_secrets.h"
#include "tests/sim/swarm/swarm.h"

namespace ph::sim::swarm {
namespace {

using controllers::is_token_of, controllers::text_at;
using core::v1::Secret, core::v1::ServiceAccount;

constexpr const char* kAuthority = "the authority";
const std::vector<std::string> kAccounts{"alice", "bob", "carol"};

class TokenSecrets final : public Swarm {
 public:
  Setup setup(Draw&) override {
    controllers::Options options;
    options.root_ca = kAuthority;
    return loops("serviceaccount-token").options(options);
  }
  Faults faults() const override { return two_managers(60s, 0.03); }

  void begin() override {
    accounts_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (!before || !after || before->metadata().uid() != after->metadata().uid()) stands_since_[key] = steady();
      if (write.author == kLoop && (!before || !after)) judge().never(key + " was made or deleted by the loop");
    });
    secrets_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (write.author == kLoop) by_the_loop(key, before, after);
    });
    for (int i = 0; i < 4; ++i) make();
  }

  void act() override {
    const std::string account = "default/" + draw().of(kAccounts);
    switch (draw().between(0, 8)) {
      case 0:
      case 1: return make();
      case 2:
      case 3: attempt([&] { make_account(account); }); return;
      case 4: attempt([&] { cluster().remove<ServiceAccount>(account); }); return;
      case 5: remove_one(secrets_); return;
      case 6:
      case 7: edit_one<Secret>(secrets_, [this](Secret& secret) { spoil(secret); }); return;
      default: cluster().advance(draw().up_to(15s));
    }
  }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    for (const auto& [key, secret] : secrets_.all()) {
      if (secret.type() != controllers::kTokenSecretType) continue;
      if (!owner_of(secret)) {
        out.push_back(key + " is of no account");
      } else if (text_at(secret.data(), "token").empty() || text_at(secret.data(), "namespace").empty() ||
                 text_at(secret.data(), "ca.crt") != kAuthority) {
        out.push_back(key + " lacks something");
      }
    }
    return out;
  }

 private:
  static constexpr const char* kLoop = "system:kube-controller-manager";

  const ServiceAccount* owner_of(const Secret& secret) const {
    const ServiceAccount* account = accounts_.find(controllers::account_of(secret).text());
    return account && is_token_of(secret, *account) ? account : nullptr;
  }

  void by_the_loop(const std::string& key, const Secret* before, const Secret* after) {
    if (!before) return judge().never(key + " was made by the loop");
    if (before->type() != controllers::kTokenSecretType) return judge().never(key + " was touched, and is to hold no token");
    if (!after) {
      judge().reached("Secrets deleted for want of their account");
      if (!owner_of(*before)) return;
      // It may have come while the request was on its way.
      const Duration stands = steady() - stands_since_[controllers::account_of(*before).text()];
      if (stands > request_most() + 1s) judge().never(key + " was deleted, and its account stands");
      return;
    }
    judge().reached("Secrets filled");
    for (const char* name : {"token", "namespace", "mine"}) {
      const std::string old = text_at(before->data(), name);
      if (!old.empty() && old != text_at(after->data(), name)) judge().never(fmt::format("{} lost its {}", key, name));
    }
  }

  void make_account(const std::string& key) {
    ServiceAccount account;
    const ObjectKey parsed = ObjectKey::parse(key);
    account.mutable_metadata()->set_namespace_(parsed.namespace_name);
    account.mutable_metadata()->set_name(parsed.name);
    for (const std::string& secret : secrets_.keys()) {
      if (draw().chance(0.5)) account.add_secrets()->set_name(ObjectKey::parse(secret).name);
    }
    cluster().create(account);
  }

  void make() {
    const std::string account = draw().of(kAccounts);
    if (draw().chance(0.6)) attempt([&] { make_account("default/" + account); });
    Secret secret;
    secret.mutable_metadata()->set_namespace_("default");
    secret.mutable_metadata()->set_name(fmt::format("t{}", draw().between(0, 5)));
    secret.set_type(draw().chance(0.9) ? controllers::kTokenSecretType : "Opaque");
    auto& annotations = *secret.mutable_metadata()->mutable_annotations();
    annotations[controllers::kAccountName] = account;
    if (draw().chance(0.1)) annotations[controllers::kAccountUid] = "00000000-0000-0000-0000-000000000001";
    if (draw().chance(0.2)) (*secret.mutable_data())["token"] = "of another's making";
    attempt([&] { cluster().create(secret); });
  }

  void spoil(Secret& secret) {
    auto& data = *secret.mutable_data();
    for (const char* name : {"token", "namespace", "ca.crt"}) {
      if (draw().chance(0.4)) data.erase(name);
    }
    if (draw().chance(0.3)) data["ca.crt"] = "another";
    if (draw().chance(0.3)) data["mine"] = fmt::format("{}", draw().between(0, 9));
    if (draw().chance(0.2)) (*secret.mutable_metadata()->mutable_annotations())[controllers::kAccountName] = draw().of(kAccounts);
  }

  std::map<std::string, Steady> stands_since_;
  Shadow<ServiceAccount> accounts_;
  Shadow<Secret> secrets_;
};

}  // namespace

std::unique_ptr<Swarm> service_account_token() { return std::make_unique<TokenSecrets>(); }

}  // namespace ph::sim::swarm
