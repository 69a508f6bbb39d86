// Whom this server believes, for other servers: the config map extension-apiserver-authentication of kube-system.
// Reference: "Configure the Aggregation Layer".
#pragma once

#include <string>

#include "apiserver/server.h"
#include "net/front_proxy.h"

namespace ph::apiserver {

struct AuthenticationTrust {
  std::string client_ca;  // PEM; empty: no client certificate is believed
  net::FrontProxyOptions front_proxy;
};

// Puts it there. Other servers of the cluster may have published authorities, too: they stay, but for those that have expired. For a
// server that has started; throws ApiError.
Task<void> publish_authentication_trust(ApiServer& server, const Clock& clock, AuthenticationTrust trust);

// The certificates of both texts, each once, without those that have expired or cannot be read.
std::string joined_authorities(std::string_view a, std::string_view b, Time now);

}  // namespace ph::apiserver
