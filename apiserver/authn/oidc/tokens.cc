#include "apiserver/authn/oidc/tokens.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "apiserver/authn/oidc/issuer_keys.h"
#include "apiserver/authn/oidc/mapping.h"
#include "apiserver/authn/verdict_cache.h"
#include "net/jwt.h"

namespace ph::apiserver {
namespace {

using nlohmann::json;

constexpr Duration kKept = 10s;  // a good token is not looked at again so long

// Who a token says it is of; empty: it has no such form, or says nothing.
std::string issuer_of(std::string_view token) {
  const std::optional<net::Jws> unproved = net::read_jws(token);
  if (!unproved) return {};
  const json claims = json::parse(unproved->payload, nullptr, false);
  if (!claims.is_object()) return {};
  const auto issuer = claims.find("iss");
  return issuer != claims.end() && issuer->is_string() ? issuer->get<std::string>() : std::string();
}

class OfIssuers final : public TokenSource {
 public:
  OfIssuers(std::shared_ptr<const CurrentAuthentication> current, WebhookTransports transports, const Clock& clock, Log log,
            Audiences api_audiences)
      : current_(std::move(current)),
        clock_(clock),
        log_(std::move(log)),
        api_audiences_(std::move(api_audiences)),
        outside_(std::move(transports)) {}

  Soon<TokenVerdict> judge(std::string_view token, const Audiences& audiences) override {
    follow();
    if (auto told = judge_here(token, audiences)) return std::move(*told);
    return ask(token, audiences);
  }

  std::optional<TokenVerdict> judge_here(std::string_view token, const Audiences& audiences) const override {
    const CurrentAuthentication::Held configuration = current_->get();
    const std::string issuer = configuration->jwt.empty() ? std::string() : issuer_of(token);
    const auto is_of = [&](const JwtConfiguration& jwt) { return jwt.url == issuer; };
    if (issuer.empty() || std::ranges::none_of(configuration->jwt, is_of)) return TokenVerdict();
    // Such tokens are meant for the audiences of the API, whichever they are.
    if (common_audiences(audiences, api_audiences_).empty()) return TokenVerdict();
    const auto cache = published();
    return cache->of == configuration ? cache->verdicts.find(token, audiences) : std::nullopt;
  }

 private:
  struct Issuer {
    Issuer(const JwtConfiguration& jwt, Outside& outside, const Clock& clock, const Log& log)
        : mapping(jwt), keys(mapping.configuration(), outside, clock, log) {}
    const oidc::Mapping mapping;
    oidc::IssuerKeys keys;
  };
  // What was said under one configuration means nothing under the next.
  struct Cache {
    Cache(CurrentAuthentication::Held of, const Clock& clock) : of(std::move(of)), verdicts(clock, kKept) {}
    const CurrentAuthentication::Held of;
    VerdictCache verdicts;
  };

  std::shared_ptr<Cache> published() const {
    const std::lock_guard lock(mutex_);
    return cache_;
  }

  void follow() {
    CurrentAuthentication::Held now = current_->get();
    if (published()->of == now) return;
    issuers_.clear();
    for (const JwtConfiguration& jwt : now->jwt) issuers_.push_back(std::make_shared<Issuer>(jwt, outside_, clock_, log_));
    auto cache = std::make_shared<Cache>(std::move(now), clock_);
    const std::lock_guard lock(mutex_);
    cache_.swap(cache);
  }

  Task<TokenVerdict> ask(std::string_view token, const Audiences& audiences) {
    const std::shared_ptr<Cache> cache = published();
    const std::string of = issuer_of(token);
    const auto found = std::ranges::find_if(issuers_, [&](const auto& each) { return each->mapping.configuration().url == of; });
    if (found == issuers_.end()) co_return TokenVerdict();
    // It may be replaced while its keys are fetched.
    const std::shared_ptr<Issuer> issuer = *found;
    const auto payload = co_await issuer->keys.verify(std::string(token));
    if (!payload) co_return TokenVerdict::bad(payload.error());
    auto user = issuer->mapping.user_of(*payload, clock_.now());
    if (!user) co_return TokenVerdict::bad(std::move(user.error()));
    TokenVerdict verdict;
    verdict.user = std::move(*user);
    verdict.audiences = common_audiences(audiences, api_audiences_);
    cache->verdicts.put(token, audiences, verdict);
    co_return verdict;
  }

  const std::shared_ptr<const CurrentAuthentication> current_;
  const Clock& clock_;
  const Log log_;
  const Audiences api_audiences_;
  Outside outside_;
  std::vector<std::shared_ptr<Issuer>> issuers_;  // of the configuration that the cache is of
  mutable std::mutex mutex_;
  std::shared_ptr<Cache> cache_ = std::make_shared<Cache>(nullptr, clock_);  // guarded
};

}  // namespace

std::unique_ptr<TokenSource> jwt_token_source(std::shared_ptr<const CurrentAuthentication> current, WebhookTransports transports,
                                              const Clock& clock, Log log, Audiences api_audiences) {
  return std::make_unique<OfIssuers>(std::move(current), std::move(transports), clock, std::move(log), std::move(api_audiences));
}

}  // namespace ph::apiserver
