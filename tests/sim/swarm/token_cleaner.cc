// tokencleaner: bootstrap tokens that expire, are prolonged until the last moment, deleted and made again; secrets that are nearly
// tokens.
#include <fmt/format.h>

#include "tests/sim/swarm/tokens.h"

namespace ph::sim::swarm {
namespace {

using core::v1::Secret;

class TokenCleaner final : public Swarm {
 public:
  Setup setup(Draw&) override { return loops("tokencleaner"); }
  Faults faults() const override { return two_managers(60s, 0.03); }

  void begin() override {
    secrets_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (write.author.ends_with(":token-cleaner")) by_the_loop(key, before, after);
    });
    for (int i = 0; i < 3; ++i) make();
  }

  void act() override {
    switch (draw().between(0, 7)) {
      case 0:
      case 1:
      case 2: return make();
      case 3:
      case 4: edit_one<Secret>(secrets_, [this](Secret& secret) { Tokens::change(draw(), cluster().now(), secret); }); return;
      case 5: return prolong();
      case 6: remove_one(secrets_); return;
      default: cluster().advance(draw().up_to(15s));
    }
  }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    for (const auto& [key, secret] : secrets_.all()) {
      if (Tokens::is_token(secret) && Tokens::until(secret)) out.push_back(key + " has expired, or will");
    }
    return out;
  }

 private:
  void by_the_loop(const std::string& key, const Secret* before, const Secret* after) {
    if (!before || after) return judge().never(key + " was made or changed by the loop");
    judge().reached("tokens deleted by the loop");
    if (!Tokens::is_token(*before)) return judge().never(key + " was deleted, and is no token");
    const auto until = Tokens::until(*before);
    if (!until) return judge().never(key + " was deleted, and never expires");
    if (*until == Time::min()) judge().reached("tokens deleted whose expiration cannot be read");
    if (*until > latest()) judge().never(fmt::format("{} was deleted {} ms before its time", key, (*until - latest()) / 1ms));
    if (*until > cluster().now()) judge().reached("tokens deleted after the clock was put back");
  }

  void make() {
    const Secret secret = Tokens::make(draw(), cluster().now());
    attempt([&] { cluster().create(secret); });
  }

  // Just before, or just after it expires: when the loop's request may be on its way.
  void prolong() {
    for (const std::string& key : secrets_.keys()) {
      const Secret* secret = secrets_.find(key);
      const auto until = secret ? Tokens::until(*secret) : std::nullopt;
      if (!until || *until == Time::min()) continue;
      const Duration left = *until - cluster().now() + draw().up_to(1s) - 500ms;
      if (left > 30s) continue;
      if (left > Duration::zero()) cluster().advance(left);
      if (!secrets_.find(key)) continue;
      judge().reached("tokens changed at the last moment");
      attempt([&] { cluster().edit<Secret>(key, [this](Secret& secret) { Tokens::change(draw(), cluster().now(), secret); }); });
      return;
    }
  }

  Shadow<Secret> secrets_;
};

}  // namespace

std::unique_ptr<Swarm> token_cleaner() { return std::make_unique<TokenCleaner>(); }

}  // namespace ph::sim::swarm
