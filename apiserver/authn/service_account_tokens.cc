#include "apiserver/authn/service_account_tokens.h"

#include <fmt/format.h>

#include "api/codec.h"
#include "api/encoded.h"
#include "api/kinds.h"
#include "api/times.h"
#include "base/assert.h"
#include "net/jwt.h"

namespace ph::apiserver {

namespace {

constexpr std::size_t kKnownMax = 10'000;
constexpr Duration kLeeway = 1min;  // clocks differ; and an object that is going may use its token until it has gone

struct UseMetrics {
  Metrics* in = nullptr;
  Family<Counter> valid{in,
                        {Stability::Alpha, "serviceaccount_valid_tokens_total", "Uses of service account tokens in their time."}};
  Family<Counter> stale{in,
                        {Stability::Alpha, "serviceaccount_stale_tokens_total",
                         "Uses of service account tokens that are good only because their time was extended."}};
};

}  // namespace

ServiceAccountTokens::ServiceAccountTokens(const TokenKeys& keys, ObjectReader& reader, const Clock& clock, Options options)
    : keys_(keys),
      clock_(clock),
      options_(std::move(options)),
      valid_(UseMetrics{options_.metrics}.valid.with({})),
      stale_(UseMetrics{options_.metrics}.stale.with({})) {
  if (options_.api_audiences.empty()) options_.api_audiences = {options_.issuer};
  const api::Schema* schemas[] = {&api::schema_of<core::v1::ServiceAccount>(), &api::schema_of<core::v1::Pod>(),
                                  &api::schema_of<core::v1::Secret>(), &api::schema_of<core::v1::Node>()};
  for (int kind = 0; kind < kKinds; ++kind) {
    const api::Resource* resource = reader.resource(*schemas[kind]);
    sources_[kind] = {resource, reader.cache(*resource)};
    PH_ASSERT(sources_[kind].cache != nullptr);
  }
}

std::string ServiceAccountTokens::issue(Claims claims) const {
  claims.issuer = options_.issuer;
  claims.subject = service_account_user(claims.namespace_name, claims.service_account.name);
  return keys_.sign(encode_claims(claims));
}

std::expected<Claims, std::string> ServiceAccountTokens::read(std::string_view token) const {
  std::string key(token);
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = known_.find(key); known != known_.end()) return known->second;
  }
  // Tokens of others are not worth the look at their signature.
  const std::optional<net::Jws> unproved = net::read_jws(token);
  const std::optional<Claims> said = unproved ? parse_claims(unproved->payload) : std::nullopt;
  if (!said || said->issuer != options_.issuer) return std::unexpected("invalid bearer token");
  const std::optional<std::string> payload = keys_.verify(token);
  if (!payload) return std::unexpected("invalid bearer token");
  std::optional<Claims> claims = parse_claims(*payload);
  if (!claims || claims->issuer != options_.issuer) return std::unexpected("invalid bearer token");
  if (claims->subject != service_account_user(claims->namespace_name, claims->service_account.name)) {
    return std::unexpected("sub claim is invalid");
  }
  const std::lock_guard lock(mutex_);
  if (known_.size() >= kKnownMax) known_.clear();
  known_.emplace(std::move(key), *claims);
  return std::move(*claims);
}

ServiceAccountTokens::Problem ServiceAccountTokens::problem_with_object(Kind kind, const ObjectKey& key, const std::string& uid,
                                                                        Time now, const char* what) const {
  const auto& [resource, cache] = sources_[kind];
  const std::optional<EntryRef> entry = cache->look(key.text());
  if (!entry) return std::nullopt;
  if (!*entry) return fmt::format("{} \"{}\" not found", what, key.name);
  std::string scratch;
  meta::v1::ObjectMeta metadata;
  const std::string_view bytes = api::Encoded(*resource->schema, *(*entry)->protobuf).metadata(scratch);
  api::decode_protobuf(bytes, metadata);
  if (metadata.uid() != uid) return fmt::format("the {} UID does not match the token's claim", what);
  if (metadata.has_deletion_timestamp() && api::to_time(metadata.deletion_timestamp()) + kLeeway < now) {
    return fmt::format("{} \"{}\" has been deleted", what, key.name);
  }
  return "";
}

ServiceAccountTokens::Problem ServiceAccountTokens::problem_with(const Claims& claims, Time now) const {
  if (now > claims.expires + kLeeway) return "service account token has expired";
  if (now + kLeeway < claims.not_before) return "service account token is not valid yet";
  const std::string& space = claims.namespace_name;
  Problem problem = problem_with_object(kServiceAccount, {space, claims.service_account.name}, claims.service_account.uid, now,
                                        "serviceaccount");
  if (problem == "" && claims.pod) problem = problem_with_object(kPod, {space, claims.pod->name}, claims.pod->uid, now, "pod");
  if (problem == "" && claims.secret) {
    problem = problem_with_object(kSecret, {space, claims.secret->name}, claims.secret->uid, now, "secret");
  }
  // Of a pod's token the node is only told; alone it binds the token.
  if (problem == "" && claims.node && !claims.pod) {
    problem = problem_with_object(kNode, {{}, claims.node->name}, claims.node->uid, now, "node");
  }
  return problem;
}

std::optional<std::expected<Identity, std::string>> ServiceAccountTokens::judge(std::string_view token,
                                                                                const std::vector<std::string>& audiences,
                                                                                std::vector<std::string>* matched) const {
  const auto claims = read(token);
  if (!claims) return std::unexpected(claims.error());
  bool meant_for_us = false;
  for (const std::string& wanted : audiences) {
    if (std::ranges::find(claims->audiences, wanted) == claims->audiences.end()) continue;
    meant_for_us = true;
    if (matched) matched->push_back(wanted);
  }
  if (!meant_for_us) {
    return std::unexpected(fmt::format("token audiences [\"{}\"] is invalid for the target audiences [\"{}\"]",
                                       fmt::join(claims->audiences, "\" \""), fmt::join(audiences, "\" \"")));
  }
  const Time now = clock_.now();
  Problem problem = problem_with(*claims, now);
  if (!problem) return std::nullopt;
  if (!problem->empty()) return std::unexpected(std::move(*problem));
  (claims->warn_after && now > *claims->warn_after ? stale_ : valid_).add();
  return identity_of(*claims);
}

std::expected<Identity, std::string> ServiceAccountTokens::check(std::string_view token,
                                                                 const std::vector<std::string>& audiences,
                                                                 std::vector<std::string>* matched) const {
  auto judged = judge(token, audiences.empty() ? options_.api_audiences : audiences, matched);
  PH_ASSERT(judged.has_value());
  return std::move(*judged);
}

std::optional<std::expected<Identity, std::string>> ServiceAccountTokens::check_here(std::string_view token,
                                                                                     const std::vector<std::string>& audiences,
                                                                                     std::vector<std::string>* matched) const {
  return judge(token, audiences.empty() ? options_.api_audiences : audiences, matched);
}

}  // namespace ph::apiserver
