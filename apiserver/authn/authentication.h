// Authentication as kube-apiserver's flags put it together.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "apiserver/authn/authenticator.h"
#include "apiserver/authn/oidc/configuration.h"
#include "apiserver/authn/webhook_tokens.h"
#include "apiserver/server.h"

namespace ph::apiserver {

struct AuthenticationOptions {
  net::FrontProxyOptions front_proxy;
  bool bootstrap_tokens = false;
  // Issuers of tokens, and where nobody may be nobody; it may be replaced while the server runs. Null: there are none.
  std::shared_ptr<CurrentAuthentication> configuration;
  std::optional<TokenWebhook> webhook;
};

struct TokenWorld {
  ApiServer& server;
  const Clock& clock;
  Rng& rng;
  const StaticTokens& of_file;
  const TokenKeys* keys;                    // null: there are no tokens of service accounts
  const ServiceAccountTokens* of_accounts;  // as the keys
  Audiences api_audiences;
  WebhookTransports transports;
  Log log;
};

// All sources of tokens, in upstream's order. What it refers to outlives them.
std::unique_ptr<TokenSources> make_token_sources(TokenWorld world, const AuthenticationOptions& options);

// Which paths are open to requests without credentials (AuthenticatorOptions). `anonymous`: what the flag says, unless the
// configuration says it. `never`: whatever they say.
std::function<bool(std::string_view path)> open_paths(bool anonymous, bool never,
                                                      std::shared_ptr<const CurrentAuthentication> current);

}  // namespace ph::apiserver
