#include "controllers/common/bootstrap_tokens.h"

#include <fmt/format.h>

#include "api/times.h"
#include "informers/request.h"

namespace ph::controllers {
namespace {

std::string member(const core::v1::Secret& secret, const char* key) {
  const auto found = secret.data().find(key);
  return found == secret.data().end() ? std::string() : found->second;
}

}  // namespace

std::shared_ptr<const BootstrapToken> BootstrapToken::decode(std::string_view protobuf) {
  core::v1::Secret secret;
  api::decode_protobuf(protobuf, secret);
  auto token = std::make_shared<BootstrapToken>();
  token->object_key = key_of(secret);
  token->uid = secret.metadata().uid();
  token->revision = informers::parse_revision(secret.metadata().resource_version());
  token->deleting = secret.metadata().has_deletion_timestamp();
  token->type = secret.type();
  token->id = member(secret, "token-id");
  token->secret = member(secret, "token-secret");
  token->expiration = member(secret, "expiration");
  token->signs = member(secret, "usage-bootstrap-signing") == "true";
  return token;
}

bool is_bootstrap_token(const BootstrapToken& token) {
  return token.type == kTokenType && token.object_key.namespace_name == kTokenNamespace;
}

std::optional<Time> expiry(const BootstrapToken& token) {
  if (token.expiration.empty()) return std::nullopt;
  const auto at = api::parse_instant(token.expiration);
  if (!at) return Time::min();
  // Years that our clock cannot tell.
  constexpr auto seconds_of = [](Time time) { return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count(); };
  if (at->seconds >= seconds_of(Time::max())) return std::nullopt;
  if (at->seconds <= seconds_of(Time::min())) return Time::min();
  return Time(std::chrono::seconds(at->seconds) + std::chrono::nanoseconds(at->nanos));
}

}  // namespace ph::controllers

namespace ph::informers {

using controllers::BootstrapToken;

detail::Decoder Followed<BootstrapToken>::decoder() {
  const auto view = [](const void* object) { return static_cast<const BootstrapToken*>(object); };
  return {.resource = api::Scheme::builtin().resource(api::schema_of<core::v1::Secret>()),
          .field_selector = fmt::format("metadata.namespace={},type={}", controllers::kTokenNamespace, controllers::kTokenType),
          .decode = [](std::string_view bytes) -> detail::AnyRef { return BootstrapToken::decode(bytes); },
          .key = [=](const void* object) -> informers::KeyView { return view(object)->object_key; },
          .revision = [=](const void* object) { return view(object)->revision; },
          .uid = [=](const void* object) -> std::string_view { return view(object)->uid; },
          .deleting = [=](const void* object) { return view(object)->deleting; }};
}

}  // namespace ph::informers
