#include "apiserver/authn/bootstrap_tokens.h"

#include <algorithm>
#include <set>

#include "api/codec.h"
#include "api/kinds.h"
#include "api/times.h"
#include "net/encoding.h"

namespace ph::apiserver {
namespace {

constexpr std::size_t kIdSize = 6, kSecretSize = 16;
constexpr std::string_view kGroup = "system:bootstrappers";
constexpr std::size_t kGroupRestMax = 256;

bool is_plain(std::string_view text) {
  return text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") == std::string_view::npos;
}

// "id.secret"
bool has_form(std::string_view token) {
  return token.size() == kIdSize + 1 + kSecretSize && token[kIdSize] == '.' && is_plain(token.substr(0, kIdSize)) &&
         is_plain(token.substr(kIdSize + 1));
}

bool is_group(std::string_view name) {
  if (!name.starts_with(kGroup)) return false;
  const std::string_view rest = name.substr(kGroup.size());
  return rest.size() > 1 && rest.size() <= kGroupRestMax + 1 && rest[0] == ':' &&
         rest.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789:-") == std::string_view::npos && rest.back() != ':' &&
         rest.back() != '-';
}

std::string_view member(const core::v1::Secret& secret, const char* key) {
  const auto found = secret.data().find(key);
  return found == secret.data().end() ? std::string_view() : std::string_view(found->second);
}

// Nothing: one of them is none that a token may give.
std::optional<std::vector<std::string>> groups_of(std::string_view listed) {
  std::set<std::string> out{std::string(kGroup)};
  while (!listed.empty()) {
    const auto comma = listed.find(',');
    const std::string_view group = listed.substr(0, comma);
    if (!is_group(group)) return std::nullopt;
    out.emplace(group);
    listed = comma == listed.npos ? std::string_view() : listed.substr(comma + 1);
  }
  return std::vector<std::string>(out.begin(), out.end());
}

bool has_expired(std::string_view expiration, Time now) {
  if (expiration.empty()) return false;
  const auto at = api::parse_instant(expiration);
  return !at || api::to_time(*at) <= now;
}

std::optional<Identity> user_of(const core::v1::Secret& secret, std::string_view token, Time now) {
  const std::string_view id = token.substr(0, kIdSize);
  const bool good = secret.type() == "bootstrap.kubernetes.io/token" && !secret.metadata().has_deletion_timestamp() &&
                    net::same_secret(member(secret, "token-secret"), token.substr(kIdSize + 1)) &&
                    member(secret, "token-id") == id && !has_expired(member(secret, "expiration"), now) &&
                    member(secret, "usage-bootstrap-authentication") == "true";
  if (!good) return std::nullopt;
  auto groups = groups_of(member(secret, "auth-extra-groups"));
  if (!groups) return std::nullopt;
  return Identity{.name = "system:bootstrap:" + std::string(id), .uid = {}, .groups = std::move(*groups), .extra = {}};
}

class OfBootstrap final : public TokenSource {
 public:
  OfBootstrap(ObjectReader& reader, const Clock& clock, Audiences api_audiences)
      : cache_(*reader.cache(*reader.resource(api::schema_of<core::v1::Secret>()))),
        clock_(clock),
        api_audiences_(std::move(api_audiences)) {}

  Soon<TokenVerdict> judge(std::string_view token, const Audiences& audiences) override {
    std::optional<TokenVerdict> verdict = judge_here(token, audiences);
    PH_ASSERT(verdict.has_value());  // which can always be told on the executor
    return std::move(*verdict);
  }

  std::optional<TokenVerdict> judge_here(std::string_view token, const Audiences& audiences) const override {
    TokenVerdict verdict;
    verdict.audiences = common_audiences(audiences, api_audiences_);
    if (!has_form(token) || verdict.audiences.empty()) return verdict;
    const ObjectKey key{"kube-system", "bootstrap-token-" + std::string(token.substr(0, kIdSize))};
    const std::optional<EntryRef> entry = cache_.look(key.text());
    if (!entry) return std::nullopt;
    if (!*entry) return verdict;
    core::v1::Secret secret;
    api::decode_envelope(*(*entry)->protobuf, secret);
    verdict.user = user_of(secret, token, clock_.now());
    return verdict;
  }

 private:
  const WatchCache& cache_;
  const Clock& clock_;
  const Audiences api_audiences_;
};

}  // namespace

std::unique_ptr<TokenSource> bootstrap_token_source(ObjectReader& reader, const Clock& clock, Audiences api_audiences) {
  return std::make_unique<OfBootstrap>(reader, clock, std::move(api_audiences));
}

}  // namespace ph::apiserver
