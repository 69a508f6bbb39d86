#include "apiserver/authn/authenticator.h"

#include "api/errors.h"
#include "apiserver/rest/query.h"
#include "base/anywhere.h"
#include "base/bearer.h"

namespace ph::apiserver {

namespace {

class StandardAuthenticator final : public Authenticator {
 public:
  StandardAuthenticator(TokenSources& tokens, AuthenticatorOptions options) : tokens_(tokens), options_(std::move(options)) {}

  Soon<std::optional<Identity>> authenticate_soon(const HttpRequest& request) override {
    assert_on_executor();
    if (auto user = known_by_connection(request)) return user;
    const std::string_view token = bearer_token(request);
    if (token.empty()) return nobody(request);
    return then(tokens_.judge(token, {}), &named);
  }

  std::optional<std::optional<Identity>> authenticate_here(const HttpRequest& request) const override {
    if (auto user = known_by_connection(request)) return user;
    const std::string_view token = bearer_token(request);
    if (token.empty()) return nobody(request);
    std::optional<TokenVerdict> verdict = tokens_.judge_here(token);
    if (!verdict) return std::nullopt;
    return named(std::move(*verdict));
  }

 private:
  std::optional<Identity> known_by_connection(const HttpRequest& request) const {
    if (auto user = net::proxied_user(request, options_.front_proxy)) return user;
    return request.peer.identity;
  }

  static std::optional<Identity> named(TokenVerdict verdict) {
    if (!verdict.user) throw api::unauthorized();
    return std::move(verdict.user);
  }

  // Whoever shows a certificate wants to be somebody: when it does not verify he is told so, and is not nobody.
  std::optional<Identity> nobody(const HttpRequest& request) const {
    if (request.peer.certificate_refused) throw api::unauthorized();
    if (options_.open_to_nobody && !options_.open_to_nobody(percent_decode(request.path()))) throw api::unauthorized();
    return std::nullopt;
  }

  TokenSources& tokens_;
  const AuthenticatorOptions options_;
};

}  // namespace

std::unique_ptr<Authenticator> make_authenticator(TokenSources& tokens, AuthenticatorOptions options) {
  return std::make_unique<StandardAuthenticator>(tokens, std::move(options));
}

}  // namespace ph::apiserver
