#include "controllers/bootstrap_signer/signatures.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "api/json_text.h"
#include "api/sorted.h"
#include "base/hmac.h"

namespace ph::controllers::bootstrap_signer {
namespace {

constexpr std::string_view kSignaturePrefix = "jws-kubeconfig-";
constexpr std::string_view kNamePrefix = "bootstrap-token-";
constexpr std::size_t kIdLength = 6;

// RFC 4648, section 5: without padding.
std::string base64url(std::string_view bytes) {
  std::string out;
  api::append_base64(bytes, out);
  out.erase(out.find_last_not_of('=') + 1);
  std::ranges::replace(out, '+', '-');
  std::ranges::replace(out, '/', '_');
  return out;
}

bool is_token_id(std::string_view text) {
  return text.size() == kIdLength &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

using Data = google::protobuf::Map<std::string, std::string>;

bool same(const Data& a, const Data& b) {
  return std::ranges::equal(sorted(a), sorted(b),
                            [](const auto* x, const auto* y) { return x->first == y->first && x->second == y->second; });
}

}  // namespace

std::string detached_signature(std::string_view content, std::string_view token_id, std::string_view token_secret) {
  const std::string header = base64url(nlohmann::json{{"alg", "HS256"}, {"kid", token_id}}.dump());
  const std::string code = hmac_sha256(token_secret, header + "." + base64url(content));
  return header + ".." + base64url(code);
}

bool may_sign(const BootstrapToken& token, Time now) {
  if (!is_bootstrap_token(token) || !token.signs || token.secret.empty()) return false;
  if (!is_token_id(token.id) || token.object_key.name != std::string(kNamePrefix) + token.id) return false;
  const auto until = expiry(token);
  return !until || *until > now;
}

std::optional<core::v1::ConfigMap> signed_info(const core::v1::ConfigMap& info, const std::vector<Ref<BootstrapToken>>& tokens,
                                               Time now) {
  const auto kubeconfig = info.data().find("kubeconfig");
  if (kubeconfig == info.data().end()) return std::nullopt;
  core::v1::ConfigMap out = info;
  Data& data = *out.mutable_data();
  for (const auto* entry : sorted(info.data())) {
    if (entry->first.starts_with(kSignaturePrefix)) data.erase(entry->first);
  }
  for (const Ref<BootstrapToken>& token : tokens) {
    if (!may_sign(*token, now)) continue;
    data[std::string(kSignaturePrefix) + token->id] = detached_signature(kubeconfig->second, token->id, token->secret);
  }
  if (same(data, info.data())) return std::nullopt;
  return out;
}

std::optional<Time> next_expiry(const std::vector<Ref<BootstrapToken>>& tokens, Time now) {
  std::optional<Time> next;
  for (const Ref<BootstrapToken>& token : tokens) {
    if (!may_sign(*token, now)) continue;
    const auto until = expiry(*token);
    if (until) next = next ? std::min(*next, *until) : *until;
  }
  return next;
}

}  // namespace ph::controllers::bootstrap_signer
