#include "apiserver/authn/secret_tokens.h"

#include <mutex>
#include <unordered_map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/kinds.h"
#include "api/times.h"
#include "net/encoding.h"
#include "net/jwt.h"

namespace ph::apiserver {
namespace {

using nlohmann::json;

constexpr const char* kIssuer = "kubernetes/serviceaccount";
constexpr const char* kLastUsed = "kubernetes.io/legacy-token-last-used";
constexpr const char* kInvalidSince = "kubernetes.io/legacy-token-invalid-since";
constexpr std::size_t kKnownMax = 10'000;

struct SecretClaims {
  std::string subject, namespace_name, secret, account, account_uid;
};

// Nothing: it is none of this kind.
std::optional<SecretClaims> read_claims(std::string_view payload) {
  const json said = json::parse(payload, nullptr, false);
  if (!said.is_object()) return std::nullopt;
  const auto text = [&](const char* name) {
    const auto found = said.find(name);
    return found != said.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  if (text("iss") != kIssuer) return std::nullopt;
  return SecretClaims{.subject = text("sub"),
                      .namespace_name = text("kubernetes.io/serviceaccount/namespace"),
                      .secret = text("kubernetes.io/serviceaccount/secret.name"),
                      .account = text("kubernetes.io/serviceaccount/service-account.name"),
                      .account_uid = text("kubernetes.io/serviceaccount/service-account.uid")};
}

template <class Map>
std::string text_at(const Map& map, const char* key) {
  const auto found = map.find(key);
  return found == map.end() ? std::string() : found->second;
}

struct UseMetrics {
  Metrics* in = nullptr;
  Family<Counter> uses{in, {Stability::Alpha, "serviceaccount_legacy_tokens_total", "Uses of tokens that are kept in Secrets."}};
  Family<Counter> made{in,
                       {Stability::Alpha, "serviceaccount_legacy_auto_token_uses_total",
                        "Uses of tokens in Secrets that their service account names: the control plane made those until 1.24."}};
  Family<Counter> asked_for{in,
                            {Stability::Alpha, "serviceaccount_legacy_manual_token_uses_total",
                             "Uses of tokens in Secrets that somebody has asked for."}};
  Family<Counter> invalid{in,
                          {Stability::Alpha, "serviceaccount_invalid_legacy_auto_token_uses_total",
                           "Uses of tokens in Secrets that have been marked as invalid."}};
};

class OfSecrets final : public TokenSource {
 public:
  explicit OfSecrets(SecretTokensWorld world)
      : world_(std::move(world)),
        secrets_(source<core::v1::Secret>()),
        accounts_(source<core::v1::ServiceAccount>()),
        uses_(UseMetrics{world_.metrics}.uses.with({})),
        made_(UseMetrics{world_.metrics}.made.with({})),
        asked_for_(UseMetrics{world_.metrics}.asked_for.with({})),
        invalid_(UseMetrics{world_.metrics}.invalid.with({})) {}

  Soon<TokenVerdict> judge(std::string_view token, const Audiences& audiences) override {
    std::optional<Judged> judged = look(token, audiences);
    PH_ASSERT(judged.has_value());  // which can always be told on the executor
    if (!judged->note) return count(std::move(*judged));
    return noted(std::move(*judged));
  }

  std::optional<TokenVerdict> judge_here(std::string_view token, const Audiences& audiences) const override {
    std::optional<Judged> judged = look(token, audiences);
    if (!judged || judged->note) return std::nullopt;
    return count(std::move(*judged));
  }

 private:
  struct Judged {
    TokenVerdict verdict;
    ObjectKey secret;
    bool note = false;     // that it was used today
    bool made = false;     // its account names the Secret
    bool invalid = false;  // it was marked so
  };

  template <class T>
  const WatchCache* source() {
    const WatchCache* cache = world_.reader.cache(*world_.reader.resource(api::schema_of<T>()));
    PH_ASSERT(cache != nullptr);
    return cache;
  }

  std::string today() const { return api::rfc3339(world_.clock.now()).substr(0, 10); }

  // Of a token that one of our keys has signed.
  std::optional<SecretClaims> read(std::string_view token) const {
    std::string key(token);
    {
      const std::lock_guard lock(mutex_);
      if (const auto known = known_.find(key); known != known_.end()) return known->second;
    }
    const std::optional<net::Jws> unproved = net::read_jws(token);
    if (!unproved || !read_claims(unproved->payload)) return std::nullopt;
    const std::optional<std::string> payload = world_.keys.verify(token);
    if (!payload) return std::nullopt;
    std::optional<SecretClaims> claims = read_claims(*payload);
    if (!claims) return std::nullopt;
    const std::lock_guard lock(mutex_);
    if (known_.size() >= kKnownMax) known_.clear();
    known_.emplace(std::move(key), *claims);
    return claims;
  }

  // The object, null where there is none; nothing: only the executor can tell.
  template <class T>
  static std::optional<std::unique_ptr<T>> object(const WatchCache& cache, const ObjectKey& key) {
    const std::optional<EntryRef> entry = cache.look(key.text());
    if (!entry) return std::nullopt;
    if (!*entry) return nullptr;
    auto out = std::make_unique<T>();
    api::decode_envelope(*(*entry)->protobuf, *out);
    return out;
  }

  // Nothing: only the executor can tell.
  std::optional<Judged> look(std::string_view token, const Audiences& audiences) const {
    Judged out;
    const std::optional<SecretClaims> claims = read(token);
    if (!claims) return out;
    const std::string& space = claims->namespace_name;
    if (claims->subject != service_account_user(space, claims->account)) return bad("sub claim is invalid");
    out.verdict.audiences = common_audiences(audiences, world_.api_audiences);
    if (out.verdict.audiences.empty()) return bad("the token is for the API itself, and for nobody else");
    out.secret = {space, claims->secret};
    const auto secret = object<core::v1::Secret>(*secrets_, out.secret);
    const auto account = object<core::v1::ServiceAccount>(*accounts_, {space, claims->account});
    if (!secret || !account) return std::nullopt;
    if (std::string why = problem(*claims, token, secret->get(), account->get()); !why.empty()) return bad(std::move(why));
    const auto& labels = (*secret)->metadata().labels();
    out.made = std::ranges::any_of((*account)->secrets(), [&](const auto& each) { return each.name() == claims->secret; });
    if (!text_at(labels, kInvalidSince).empty()) {
      Judged invalid =
          bad(fmt::format("the token in secret {}/{} has been marked invalid; without its label \"{}\" it is good again", space,
                          claims->secret, kInvalidSince));
      invalid.invalid = true;
      return invalid;
    }
    out.note = text_at(labels, kLastUsed) != today();
    out.verdict.user = Identity{.name = claims->subject,
                                .uid = claims->account_uid,
                                .groups = {"system:serviceaccounts", "system:serviceaccounts:" + space}};
    return out;
  }

  static Judged bad(std::string why) { return {.verdict = TokenVerdict::bad(std::move(why)), .secret = {}}; }

  // Empty: there is none.
  static std::string problem(const SecretClaims& claims, std::string_view token, const core::v1::Secret* secret,
                             const core::v1::ServiceAccount* account) {
    if (!secret) return fmt::format("secret \"{}\" not found", claims.secret);
    if (secret->metadata().has_deletion_timestamp()) return "the token's secret is being deleted";
    if (!net::same_secret(text_at(secret->data(), "token"), token)) return "the token's secret holds another one";
    if (!account) return fmt::format("serviceaccount \"{}\" not found", claims.account);
    if (account->metadata().has_deletion_timestamp())
      return fmt::format("serviceaccount \"{}\" has been deleted", claims.account);
    if (account->metadata().uid() != claims.account_uid) return "the serviceaccount UID does not match the token's claim";
    return {};
  }

  TokenVerdict count(Judged judged) const {
    if (judged.invalid) invalid_.add();
    if (judged.verdict.user) {
      uses_.add();
      (judged.made ? made_ : asked_for_).add();
    }
    return std::move(judged.verdict);
  }

  Task<TokenVerdict> noted(Judged judged) {
    co_await world_.set_label(judged.secret, kLastUsed, today());
    co_return count(std::move(judged));
  }

  const SecretTokensWorld world_;
  const WatchCache *secrets_, *accounts_;
  const Counter uses_, made_, asked_for_, invalid_;
  // Whose signature has been checked; guarded.
  mutable std::mutex mutex_;
  mutable std::unordered_map<std::string, SecretClaims> known_;
};

}  // namespace

std::unique_ptr<TokenSource> secret_token_source(SecretTokensWorld world) {
  return std::make_unique<OfSecrets>(std::move(world));
}

}  // namespace ph::apiserver
