// Lets others check service account tokens by themselves: /.well-known/openid-configuration and /openid/v1/jwks.
// Reference: "Service account issuer discovery".
#pragma once

#include <string>
#include <vector>

#include "apiserver/extensions.h"

namespace ph::apiserver {

// The JSON web key of a P-256 key, public or private, in PEM; empty for keys of other kinds.
std::string json_web_key(std::string_view key_pem);

class OpenIdHandler final : public PathHandler {
 public:
  // `address`: where clients find this server, host:port; may be empty.
  OpenIdHandler(std::string_view issuer, std::string_view address, const std::vector<std::string>& keys_pem);
  Task<std::optional<HttpResponse>> try_handle(const HttpRequest& request, const Identity& user) override;

 private:
  SharedBytes configuration_, keys_;
};

}  // namespace ph::apiserver
