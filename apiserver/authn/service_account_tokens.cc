#include "apiserver/authn/service_account_tokens.h"

#include <fmt/format.h>

#include "api/kinds.h"
#include "api/times.h"

namespace ph::apiserver {

namespace {

constexpr std::size_t kKnownMax = 10'000;
constexpr Duration kLeeway = 1min;  // clocks differ; and an object that is going may use its token until it has gone

}  // namespace

ServiceAccountTokens::ServiceAccountTokens(const TokenKeys& keys, ObjectReader& reader, const Clock& clock, Options options)
    : keys_(keys), reader_(reader), clock_(clock), options_(std::move(options)) {
  if (options_.api_audiences.empty()) options_.api_audiences = {options_.issuer};
}

std::string ServiceAccountTokens::issue(Claims claims) const {
  claims.issuer = options_.issuer;
  claims.subject = service_account_user(claims.namespace_name, claims.service_account.name);
  return keys_.sign(encode_claims(claims));
}

std::expected<Claims, std::string> ServiceAccountTokens::read(std::string_view token) {
  if (const auto known = known_.find(std::string(token)); known != known_.end()) return known->second;
  const std::optional<std::string> payload = keys_.verify(token);
  if (!payload) return std::unexpected("invalid bearer token");
  std::optional<Claims> claims = parse_claims(*payload);
  if (!claims || claims->issuer != options_.issuer) return std::unexpected("invalid bearer token");
  if (claims->subject != service_account_user(claims->namespace_name, claims->service_account.name)) {
    return std::unexpected("sub claim is invalid");
  }
  if (known_.size() >= kKnownMax) known_.clear();
  known_.emplace(token, *claims);
  return std::move(*claims);
}

template <class T>
std::string ServiceAccountTokens::problem_with_object(const ObjectKey& key, const std::string& uid, Time now, const char* what) {
  const std::unique_ptr<T> object = reader_.read<T>(key);
  if (!object) return fmt::format("{} \"{}\" not found", what, key.name);
  if (object->metadata().uid() != uid) return fmt::format("the {} UID does not match the token's claim", what);
  if (object->metadata().has_deletion_timestamp() && api::to_time(object->metadata().deletion_timestamp()) + kLeeway < now) {
    return fmt::format("{} \"{}\" has been deleted", what, key.name);
  }
  return {};
}

std::string ServiceAccountTokens::problem_with(const Claims& claims, Time now) {
  if (now > claims.expires + kLeeway) return "service account token has expired";
  if (now + kLeeway < claims.not_before) return "service account token is not valid yet";
  const std::string& space = claims.namespace_name;
  std::string problem = problem_with_object<core::v1::ServiceAccount>({space, claims.service_account.name},
                                                                      claims.service_account.uid, now, "serviceaccount");
  if (problem.empty() && claims.pod) {
    problem = problem_with_object<core::v1::Pod>({space, claims.pod->name}, claims.pod->uid, now, "pod");
  }
  if (problem.empty() && claims.secret) {
    problem = problem_with_object<core::v1::Secret>({space, claims.secret->name}, claims.secret->uid, now, "secret");
  }
  // Of a pod's token the node is only told; alone it binds the token.
  if (problem.empty() && claims.node && !claims.pod) {
    problem = problem_with_object<core::v1::Node>({{}, claims.node->name}, claims.node->uid, now, "node");
  }
  return problem;
}

std::expected<Identity, std::string> ServiceAccountTokens::check(std::string_view token,
                                                                 const std::vector<std::string>& audiences,
                                                                 std::vector<std::string>* matched) {
  const auto claims = read(token);
  if (!claims) return std::unexpected(claims.error());
  bool meant_for_us = false;
  for (const std::string& wanted : audiences.empty() ? options_.api_audiences : audiences) {
    if (std::ranges::find(claims->audiences, wanted) == claims->audiences.end()) continue;
    meant_for_us = true;
    if (matched) matched->push_back(wanted);
  }
  if (!meant_for_us) {
    return std::unexpected(fmt::format("token audiences [\"{}\"] is invalid for the target audiences [\"{}\"]",
                                       fmt::join(claims->audiences, "\" \""),
                                       fmt::join(audiences.empty() ? options_.api_audiences : audiences, "\" \"")));
  }
  std::string problem = problem_with(*claims, clock_.now());
  if (!problem.empty()) return std::unexpected(std::move(problem));
  return identity_of(*claims);
}

}  // namespace ph::apiserver
