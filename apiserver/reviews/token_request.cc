// serviceaccounts/token: a token for a service account, as kubelets and `kubectl create token` ask for it.
#include <algorithm>

#include <fmt/format.h>

#include "api/errors.h"
#include "api/kinds.h"
#include "api/times.h"
#include "apiserver/reviews/reviews.h"

namespace ph::apiserver {

using authentication::v1::BoundObjectReference;

namespace {

// What kubelets ask for the tokens they mount; only those are extended.
constexpr std::int64_t kMountedSeconds = 3607;
constexpr std::int64_t kMinSeconds = 600;
constexpr std::int64_t kMaxSeconds = std::int64_t{1} << 32;
constexpr Duration kExtended = 24h * 365;

// What is neither has none of the two. The version of the core group may be left out, or be any.
std::pair<std::string_view, std::string_view> group_and_version(std::string_view api_version) {
  const auto slash = api_version.find('/');
  if (slash == api_version.npos) return {{}, api_version};
  if (api_version.find('/', slash + 1) != api_version.npos) return {};
  return {api_version.substr(0, slash), api_version.substr(slash + 1)};
}

ClaimedObject check_uid(const BoundObjectReference& ref, const meta::v1::ObjectMeta& metadata) {
  if (!ref.uid().empty() && ref.uid() != metadata.uid()) {
    throw api::conflict(ref.kind(), ref.name(),
                        fmt::format("the UID in the bound object reference ({}) does not match the UID in record. The object "
                                    "might have been deleted and then recreated",
                                    ref.uid()));
  }
  return {metadata.name(), metadata.uid()};
}

class TokenRequests final : public VirtualResource {
 public:
  TokenRequests(ServiceAccountTokens& tokens, ObjectReader& reader, const Clock& clock, Rng& rng, bool extend)
      : tokens_(tokens), reader_(reader), clock_(clock), rng_(rng), extend_(extend) {}

  Task<void> create(VirtualRequest request) override {
    auto& asked = static_cast<authentication::v1::TokenRequest&>(*request.object);
    const ObjectKey key{request.info->namespace_name, request.info->name};
    const auto account = reader_.read<core::v1::ServiceAccount>(key);
    if (!account) throw api::not_found("serviceaccounts", key.name);
    complete(asked, key);
    asked.mutable_metadata()->set_uid(account->metadata().uid());

    const Time now = std::chrono::floor<std::chrono::seconds>(clock_.now());
    Claims claims;
    claims.id = rng_.uuid();
    claims.audiences = {asked.spec().audiences().begin(), asked.spec().audiences().end()};
    claims.namespace_name = key.namespace_name;
    claims.service_account = {account->metadata().name(), account->metadata().uid()};
    if (asked.spec().has_bound_object_ref()) bind(asked.spec().bound_object_ref(), key, claims);
    const Duration life = std::chrono::seconds(asked.spec().expiration_seconds());
    claims.issued = claims.not_before = now;
    claims.expires = now + life;
    if (extend_ && asked.spec().expiration_seconds() == kMountedSeconds && claims.audiences == tokens_.api_audiences()) {
      claims.warn_after = claims.expires;
      claims.expires = now + kExtended;
    }
    asked.clear_status();
    asked.mutable_status()->set_token(tokens_.issue(std::move(claims)));
    api::set_time(asked.mutable_status()->mutable_expiration_timestamp(), now + life);
    api::set_time(asked.mutable_metadata()->mutable_creation_timestamp(), now);
    co_return;
  }

 private:
  void complete(authentication::v1::TokenRequest& asked, const ObjectKey& key) const {
    asked.mutable_metadata()->set_name(key.name);
    asked.mutable_metadata()->set_namespace_(key.namespace_name);
    auto* spec = asked.mutable_spec();
    if (!spec->has_expiration_seconds()) spec->set_expiration_seconds(3600);
    if (spec->audiences().empty()) spec->mutable_audiences()->Add(tokens_.api_audiences().begin(), tokens_.api_audiences().end());
    const std::int64_t seconds = spec->expiration_seconds();
    if (seconds >= kMinSeconds && seconds <= kMaxSeconds) return;
    const char* why = seconds < kMinSeconds ? "may not specify a duration less than 10 minutes"
                                            : "may not specify a duration larger than 2^32 seconds";
    throw api::invalid("TokenRequest.authentication.k8s.io", "",
                       {{"FieldValueInvalid", "spec.expirationSeconds", fmt::format("Invalid value: {}: {}", seconds, why)}});
  }

  void bind(const BoundObjectReference& ref, const ObjectKey& account, Claims& claims) {
    static constexpr std::string_view kBindable[] = {"Pod", "Secret", "Node"};
    const auto [group, version] = group_and_version(ref.api_version());
    if (!group.empty() || std::ranges::find(kBindable, ref.kind()) == std::end(kBindable)) {
      throw api::bad_request(fmt::format("cannot bind token to object of type {}/{}, Kind={}", group, version, ref.kind()));
    }
    if (ref.name().empty()) throw api::bad_request("Name parameter required.");
    if (ref.kind() == "Pod") {
      const auto pod = reader_.read<core::v1::Pod>({account.namespace_name, ref.name()});
      if (!pod) throw api::not_found("pods", ref.name());
      if (pod->spec().service_account_name() != account.name) {
        throw api::bad_request(fmt::format(
            "cannot bind token for serviceaccount \"{}\" to pod running with different serviceaccount name.", account.name));
      }
      claims.pod = check_uid(ref, pod->metadata());
      if (!pod->spec().node_name().empty()) {
        claims.node = ClaimedObject{pod->spec().node_name(), {}};
        const auto node = reader_.read<core::v1::Node>({{}, pod->spec().node_name()});
        if (node) claims.node->uid = node->metadata().uid();
      }
    } else if (ref.kind() == "Secret") {
      const auto secret = reader_.read<core::v1::Secret>({account.namespace_name, ref.name()});
      if (!secret) throw api::not_found("secrets", ref.name());
      claims.secret = check_uid(ref, secret->metadata());
    } else {
      const auto node = reader_.read<core::v1::Node>({{}, ref.name()});
      if (!node) throw api::not_found("nodes", ref.name());
      claims.node = check_uid(ref, node->metadata());
    }
  }

  ServiceAccountTokens& tokens_;
  ObjectReader& reader_;
  const Clock& clock_;
  Rng& rng_;
  bool extend_;
};

}  // namespace

std::unique_ptr<VirtualResource> token_request(ServiceAccountTokens& tokens, ObjectReader& reader, const Clock& clock, Rng& rng,
                                               bool extend) {
  return std::make_unique<TokenRequests>(tokens, reader, clock, rng, extend);
}

}  // namespace ph::apiserver
