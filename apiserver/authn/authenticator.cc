#include "apiserver/authn/authenticator.h"

#include <algorithm>
#include <cctype>

#include "api/errors.h"

namespace ph::apiserver {

namespace {

// The token of `Authorization: Bearer TOKEN`; empty when there is none.
std::string_view bearer_token(const HttpRequest& request) {
  static constexpr std::string_view kScheme = "bearer ";
  std::string_view header = request.headers.get("authorization");
  const bool bearer = std::ranges::equal(header.substr(0, kScheme.size()), kScheme,
                                         [](unsigned char a, unsigned char b) { return std::tolower(a) == b; });
  if (!bearer) return {};
  header.remove_prefix(kScheme.size());
  while (header.starts_with(' ')) header.remove_prefix(1);
  while (header.ends_with(' ')) header.remove_suffix(1);
  return header;
}

class StandardAuthenticator final : public Authenticator {
 public:
  StandardAuthenticator(ServiceAccountTokens* tokens, AuthenticatorOptions options) : tokens_(tokens), options_(options) {}

  std::optional<Identity> authenticate(const HttpRequest& request) override {
    if (request.peer.identity) return request.peer.identity;
    const std::string_view token = bearer_token(request);
    if (!token.empty()) {
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
