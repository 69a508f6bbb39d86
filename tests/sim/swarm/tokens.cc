#include "tests/sim/swarm/tokens.h"

#include <fmt/format.h>

#include "api/times.h"

namespace ph::sim::swarm {
namespace {

constexpr const char* kType = "bootstrap.kubernetes.io/token";
const std::vector<std::string> kIds{"aaaaaa", "bbbbbb", "cccccc", "dddddd", "0e1e2e"};

std::string member(const core::v1::Secret& secret, const char* name) {
  const auto found = secret.data().find(name);
  return found == secret.data().end() ? std::string() : found->second;
}

void set_expiration(Draw& draw, Time now, core::v1::Secret& secret) {
  auto& data = *secret.mutable_data();
  if (draw.chance(0.2)) {
    data.erase("expiration");
    return;
  }
  data["expiration"] = draw.chance(0.05) ? "soon" : api::rfc3339(now - 5s + draw.up_to(45s));
}

void set_secret(Draw& draw, core::v1::Secret& secret) {
  (*secret.mutable_data())["token-secret"] = draw.chance(0.05) ? "" : fmt::format("{:016}", draw.between(0, 999));
}

void set_use(Draw& draw, core::v1::Secret& secret) {
  auto& data = *secret.mutable_data();
  data["usage-bootstrap-authentication"] = "true";
  data["usage-bootstrap-signing"] = draw.chance(0.8) ? "true" : "false";
}

}  // namespace

core::v1::Secret Tokens::make(Draw& draw, Time now) {
  const std::string id = draw.of(kIds);
  Secret secret;
  secret.mutable_metadata()->set_namespace_(draw.chance(0.9) ? "kube-system" : "default");
  secret.mutable_metadata()->set_name("bootstrap-token-" + (draw.chance(0.9) ? id : draw.of(kIds)));
  secret.set_type(draw.chance(0.9) ? kType : "Opaque");
  (*secret.mutable_data())["token-id"] = id;
  set_expiration(draw, now, secret);
  set_secret(draw, secret);
  set_use(draw, secret);
  return secret;
}

void Tokens::change(Draw& draw, Time now, Secret& secret) {
  switch (draw.between(0, 4)) {
    case 0: return set_secret(draw, secret);
    case 1: return set_use(draw, secret);
    default: return set_expiration(draw, now, secret);
  }
}

bool Tokens::is_token(const Secret& secret) { return secret.type() == kType && secret.metadata().namespace_() == "kube-system"; }

std::optional<Time> Tokens::until(const Secret& secret) {
  const std::string text = member(secret, "expiration");
  if (text.empty()) return std::nullopt;
  return api::parse_rfc3339(text).value_or(Time::min());
}

std::optional<Tokens::Signer> Tokens::signer(const Secret& secret) {
  const std::string id = member(secret, "token-id"), key = member(secret, "token-secret");
  if (!is_token(secret) || key.empty() || member(secret, "usage-bootstrap-signing") != "true") return std::nullopt;
  if (secret.metadata().name() != "bootstrap-token-" + id) return std::nullopt;
  return Signer{id, key};
}

}  // namespace ph::sim::swarm
