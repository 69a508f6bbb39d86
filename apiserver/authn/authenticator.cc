#include "apiserver/authn/authenticator.h"

#include <algorithm>

#include "api/errors.h"
#include "apiserver/authn/impersonation.h"

namespace ph::apiserver {

namespace {

// The token of `Authorization: Bearer TOKEN`; empty when there is none.
std::string_view bearer_token(const HttpRequest& request) {
  std::string_view header = request.headers.get("authorization");
  const auto space = header.find(' ');
  if (space == std::string_view::npos) return {};
  static constexpr std::string_view kScheme = "bearer";
  const bool bearer = std::ranges::equal(header.substr(0, space), kScheme,
                                         [](unsigned char a, unsigned char b) { return std::tolower(a) == b; });
  if (!bearer) return {};
  header.remove_prefix(header.find_first_not_of(' ', space) == std::string_view::npos ? header.size()
                                                                                     : header.find_first_not_of(' ', space));
  return header.substr(0, header.find_last_not_of(' ') + 1);
}

class StandardAuthenticator final : public Authenticator {
 public:
  StandardAuthenticator(ServiceAccountTokens* tokens, Authorizer* authorizer, AuthenticatorOptions options)
      : tokens_(tokens), authorizer_(authorizer), options_(options) {}

  std::optional<Identity> authenticate(const HttpRequest& request) override {
    Identity user = who(request);
    if (!authorizer_) return user;
    std::optional<Identity> other = impersonated(request, user, *authorizer_);
    return other ? std::move(other) : std::move(user);
  }

 private:
  Identity who(const HttpRequest& request) {
    if (request.peer.identity) return from_connection(*request.peer.identity);
    const std::string_view token = bearer_token(request);
    if (!token.empty()) {
      auto user = tokens_ ? tokens_->check(token, {}) : std::unexpected(std::string());
      if (!user) throw api::unauthorized();
      return std::move(*user);
    }
    if (!options_.anonymous) throw api::unauthorized();
    return anonymous();
  }

  static Identity from_connection(Identity user) {
    if (user.name == "system:anonymous") return user;
    if (std::ranges::find(user.groups, "system:authenticated") == user.groups.end()) {
      user.groups.push_back("system:authenticated");
    }
    return user;
  }

  ServiceAccountTokens* tokens_;
  Authorizer* authorizer_;
  AuthenticatorOptions options_;
};

}  // namespace

Identity anonymous() { return {.name = "system:anonymous", .uid = {}, .groups = {"system:unauthenticated"}, .extra = {}}; }

std::unique_ptr<Authenticator> make_authenticator(ServiceAccountTokens* tokens, Authorizer* authorizer,
                                                  AuthenticatorOptions options) {
  return std::make_unique<StandardAuthenticator>(tokens, authorizer, options);
}

}  // namespace ph::apiserver
