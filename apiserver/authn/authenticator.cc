#include "apiserver/authn/authenticator.h"

#include "api/errors.h"
#include "base/bearer.h"

namespace ph::apiserver {

namespace {

class StandardAuthenticator final : public Authenticator {
 public:
  StandardAuthenticator(ServiceAccountTokens* tokens, AuthenticatorOptions options) : tokens_(tokens), options_(options) {}

  std::optional<Identity> authenticate(const HttpRequest& request) override {
    if (request.peer.identity) return request.peer.identity;
    const std::string_view token = bearer_token(request);
    if (!token.empty()) {
      if (const Identity* known = options_.static_tokens ? options_.static_tokens->find(token) : nullptr) return *known;
      auto user = tokens_ ? tokens_->check(token, {}) : std::unexpected(std::string());
      if (!user) throw api::unauthorized();
      return std::move(*user);
    }
    // Whoever shows a certificate wants to be somebody: when it does not verify he is told so, and is not nobody.
    if (request.peer.certificate_refused || !options_.anonymous) throw api::unauthorized();
    return std::nullopt;
  }

 private:
  ServiceAccountTokens* tokens_;
  AuthenticatorOptions options_;
};

}  // namespace

std::unique_ptr<Authenticator> make_authenticator(ServiceAccountTokens* tokens, AuthenticatorOptions options) {
  return std::make_unique<StandardAuthenticator>(tokens, options);
}

}  // namespace ph::apiserver
