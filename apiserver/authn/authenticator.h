// Who asks, in upstream's order: a front proxy says it, the client certificate, a bearer token; else it is nobody.
#pragma once

#include <functional>
#include <memory>

#include "apiserver/access.h"
#include "apiserver/authn/token_source.h"
#include "net/front_proxy.h"

namespace ph::apiserver {

struct AuthenticatorOptions {
  net::FrontProxyOptions front_proxy;
  // Whether a path (decoded) is open to requests without credentials, which get 401 elsewhere; empty: every path is. Threads: any.
  std::function<bool(std::string_view path)> open_to_nobody;
};

// The tokens must outlive it.
std::unique_ptr<Authenticator> make_authenticator(TokenSources& tokens, AuthenticatorOptions options);

}  // namespace ph::apiserver
