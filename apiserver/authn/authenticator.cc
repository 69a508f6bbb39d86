#include "apiserver/authn/authenticator.h"

#include "api/errors.h"
#include "base/anywhere.h"
#include "base/bearer.h"

namespace ph::apiserver {

namespace {

class StandardAuthenticator final : public Authenticator {
 public:
  StandardAuthenticator(ServiceAccountTokens* tokens, AuthenticatorOptions options) : tokens_(tokens), options_(options) {}

  std::optional<Identity> authenticate(const HttpRequest& request) override {
    assert_on_executor();
    return *authenticate_here(request);  // which can always be told there
  }

  std::optional<std::optional<Identity>> authenticate_here(const HttpRequest& request) const override {
    if (request.peer.identity) return request.peer.identity;
    const std::string_view token = bearer_token(request);
    if (!token.empty()) {
      if (const Identity* known = options_.static_tokens ? options_.static_tokens->find(token) : nullptr) return *known;
      if (!tokens_) throw api::unauthorized();
      auto user = tokens_->check_here(token);
      if (!user) return std::nullopt;
      if (!*user) throw api::unauthorized();
      return std::move(**user);
    }
    // Whoever shows a certificate wants to be somebody: when it does not verify he is told so, and is not nobody.
    if (request.peer.certificate_refused || !options_.anonymous) throw api::unauthorized();
    return std::optional<Identity>();
  }

 private:
  const ServiceAccountTokens* tokens_;
  AuthenticatorOptions options_;
};

}  // namespace

std::unique_ptr<Authenticator> make_authenticator(ServiceAccountTokens* tokens, AuthenticatorOptions options) {
  return std::make_unique<StandardAuthenticator>(tokens, options);
}

}  // namespace ph::apiserver
