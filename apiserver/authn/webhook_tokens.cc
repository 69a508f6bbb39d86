#include "apiserver/authn/webhook_tokens.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apiserver/authn/verdict_cache.h"
#include "base/rng.h"
#include "base/sync.h"

namespace ph::apiserver {
namespace {

using nlohmann::json;

constexpr Duration kLimit = 30s;  // of one question, and of all attempts together
constexpr std::size_t kAnswerBytes = 1 << 20;
// Who fails is asked again, a little later each time.
constexpr int kAttempts = 5;
constexpr Duration kFirstPause = 500ms;

std::string group_version(std::string_view version) { return fmt::format("authentication.k8s.io/{}", version); }

Identity user_of(const json& said) {
  Identity out;
  out.name = said.value("username", "");
  out.uid = said.value("uid", "");
  const auto groups = said.find("groups");
  if (groups != said.end() && !groups->is_null()) out.groups = groups->get<std::vector<std::string>>();
  const auto extra = said.find("extra");
  if (extra == said.end() || extra->is_null()) return out;
  for (const auto& [key, values] : extra->get<std::map<std::string, std::vector<std::string>>>()) {
    out.extra.emplace_back(key, values);
  }
  return out;
}

bool fails(int status) { return status == 429 || status >= 500; }

class OfWebhook final : public TokenSource {
 public:
  OfWebhook(const Clock& clock, Rng& rng, WebhookTransports transports, TokenWebhook webhook, Audiences api_audiences)
      : clock_(clock),
        rng_(rng),
        webhook_(std::move(webhook)),
        api_audiences_(std::move(api_audiences)),
        known_(clock, webhook_.cache_ttl),
        outside_(std::move(transports)) {}

  Soon<TokenVerdict> judge(std::string_view token, const Audiences& audiences) override {
    if (auto known = known_.find(token, audiences)) return std::move(*known);
    return ask(token, audiences);
  }
  std::optional<TokenVerdict> judge_here(std::string_view token, const Audiences& audiences) const override {
    return known_.find(token, audiences);
  }

 private:
  HttpRequest question(std::string_view token, const Audiences& audiences) const {
    HttpRequest request{.method = "POST", .target = webhook_.path};
    request.headers.add("Host", webhook_.host);
    request.headers.add("Content-Type", "application/json");
    request.headers.add("Accept", "application/json, */*");
    request.headers.add("User-Agent", "kube-apiserver");
    if (!webhook_.bearer.empty()) request.headers.add("Authorization", "Bearer " + webhook_.bearer);
    request.body = json{{"kind", "TokenReview"},
                        {"apiVersion", group_version(webhook_.version)},
                        {"metadata", json::object()},
                        {"spec", {{"token", token}, {"audiences", audiences}}},
                        {"status", {{"user", json::object()}}}}
                       .dump(-1, ' ', false, json::error_handler_t::replace);
    return request;
  }

  // A good answer's body. Throws NoAnswer.
  Task<std::string> answer(std::string_view token, const Audiences& audiences) {
    const Steady end = clock_.steady() + kLimit;
    Duration pause = kFirstPause;
    for (int attempt = 1;; ++attempt) {
      std::string why;
      bool again = true;
      try {
        Outside::Answer got =
            co_await outside_.send(webhook_.address, question(token, audiences), end - clock_.steady(), kAnswerBytes);
        if (got.status >= 200 && got.status <= 206) co_return std::move(got.body);
        again = fails(got.status);
        why = fmt::format("the token webhook answered with status {}", got.status);
      } catch (const NoAnswer& error) {
        why = error.what();
      }
      const Duration wait = pause + std::chrono::duration_cast<Duration>(pause * (0.2 * rng_.fraction()));
      if (!again || attempt == kAttempts || clock_.steady() + wait >= end) throw NoAnswer(why);
      co_await sleep_for(wait);
      pause = pause * 3 / 2;
    }
  }

  Task<TokenVerdict> ask(std::string_view token, const Audiences& audiences) {
    TokenVerdict verdict;
    try {
      verdict = read_token_review(co_await answer(token, audiences), webhook_.version, audiences, api_audiences_);
    } catch (const NoAnswer& error) {
      co_return TokenVerdict::bad(error.what());
    }
    // What went wrong there may go well the next time.
    if (verdict.error.empty()) known_.put(token, audiences, verdict);
    co_return verdict;
  }

  const Clock& clock_;
  Rng& rng_;
  const TokenWebhook webhook_;
  const Audiences api_audiences_;
  VerdictCache known_;
  Outside outside_;
};

}  // namespace

TokenVerdict read_token_review(const std::string& body, std::string_view version, const Audiences& audiences,
                               const Audiences& api_audiences) {
  try {
    const json review = json::parse(body);
    if (review.value("kind", "") != "TokenReview" || review.value("apiVersion", "") != group_version(version)) {
      throw NoAnswer(fmt::format("the token webhook answered with no TokenReview of {}", group_version(version)));
    }
    const json status = review.value("status", json::object());
    if (!status.value("authenticated", false)) return TokenVerdict::bad(status.value("error", ""));
    TokenVerdict verdict;
    Audiences good_for = status.value("audiences", Audiences());
    if (good_for.empty()) good_for = api_audiences;
    verdict.audiences = common_audiences(audiences, good_for);
    if (verdict.audiences.empty()) return verdict;
    verdict.user = user_of(status.value("user", json::object()));
    return verdict;
  } catch (const json::exception& error) {
    throw NoAnswer(fmt::format("the token webhook's answer cannot be read: {}", error.what()));
  }
}

std::unique_ptr<TokenSource> webhook_token_source(const Clock& clock, Rng& rng, WebhookTransports transports,
                                                  TokenWebhook webhook, Audiences api_audiences) {
  return std::make_unique<OfWebhook>(clock, rng, std::move(transports), std::move(webhook), std::move(api_audiences));
}

}  // namespace ph::apiserver
