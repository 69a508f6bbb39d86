#include "apiserver/authn/oidc/issuer_keys.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ph::apiserver::oidc {
namespace {

using nlohmann::json;

constexpr Duration kLimit = 10s;  // of one question
constexpr std::size_t kAnswerBytes = 1 << 20;
constexpr Duration kAskAgain = 10s;  // whatever tokens name: nobody can make us ask more often
constexpr Duration kFresh = 1h;      // older keys are fetched again, while they are used

constexpr std::string_view kWellKnown = "/.well-known/openid-configuration";

std::string discovery_url(const JwtConfiguration& issuer) {
  if (!issuer.discovery_url.empty()) return issuer.discovery_url;
  std::string url = issuer.url;
  if (url.ends_with('/')) url.pop_back();
  return url.append(kWellKnown);
}

}  // namespace

std::string keys_url(const std::string& document, const JwtConfiguration& issuer) {
  const json said = json::parse(document, nullptr, false);
  if (!said.is_object()) throw NoAnswer("oidc: the discovery document is no object");
  const auto text = [&](const char* name) {
    const auto found = said.find(name);
    return found != said.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  if (text("issuer") != issuer.url) {
    throw NoAnswer(fmt::format("oidc: issuer did not match the issuer returned by provider, expected \"{}\" got \"{}\"",
                               issuer.url, text("issuer")));
  }
  std::string url = text("jwks_uri");
  if (split_url(url).base.empty()) throw NoAnswer("oidc: the discovery document's jwks_uri is no address of https");
  return url;
}

Task<std::expected<std::string, std::string>> IssuerKeys::verify(std::string token) {
  if (known_) {
    if (auto jws = keys_.verify(token, issuer_.algorithms)) {
      if (is_due() && clock_.steady() - *asked_ >= kFresh) begin_fetch();
      co_return std::move(jws->payload);
    }
  }
  if (is_due()) begin_fetch();
  if (asking_) {
    co_await answered_.wait();
    if (auto jws = keys_.verify(token, issuer_.algorithms)) co_return std::move(jws->payload);
  }
  if (!known_) co_return std::unexpected(problem_);
  co_return std::unexpected("oidc: failed to verify signature: no key of the issuer has signed the token");
}

bool IssuerKeys::is_due() const { return !asking_ && (!asked_ || clock_.steady() - *asked_ >= kAskAgain); }

void IssuerKeys::begin_fetch() {
  asked_ = clock_.steady();
  asking_ = true;
  answered_.reset();
  scope_.spawn(fetch());
}

Task<void> IssuerKeys::fetch() {
  try {
    const std::string where = keys_url(co_await get(discovery_url(issuer_)), issuer_);
    const auto keys = net::JwkSet::parse(co_await get(where));
    if (!keys) throw NoAnswer(fmt::format("oidc: what {} answers is no set of keys", where));
    keys_ = *keys;
    known_ = true;
  } catch (const std::exception& error) {
    problem_ = error.what();
    log_.error("the keys of an issuer of tokens cannot be fetched", "issuer", issuer_.url, "err", problem_);
  }
  asking_ = false;
  answered_.set();
}

Task<std::string> IssuerKeys::get(std::string url) {
  const UrlParts parts = split_url(url);
  HttpRequest request{.method = "GET", .target = parts.path};
  request.headers.add("Host", parts.host);
  request.headers.add("Accept", "application/json");
  request.headers.add("User-Agent", "kube-apiserver");
  WebhookAddress address{.url = parts.base, .server_name = parts.name, .ca_pem = issuer_.ca_pem};
  Outside::Answer answer = co_await outside_.send(std::move(address), std::move(request), kLimit, kAnswerBytes);
  if (answer.status != 200) throw NoAnswer(fmt::format("oidc: {} answered with status {}", url, answer.status));
  co_return std::move(answer.body);
}

}  // namespace ph::apiserver::oidc
