// Who asks through a front proxy, as that says in headers of the request. Reference: "Authenticating Proxy". Pure. Threads: any.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/transport.h"

namespace ph::net {

struct FrontProxyOptions {
  std::string ca_pem;                      // whose certificates are a proxy's; empty: there is none
  std::vector<std::string> allowed_names;  // common names of its certificate; empty: any
  // Names of headers, in any case. The first one with a value counts; of groups, all of them.
  std::vector<std::string> username_headers, uid_headers, group_headers;
  std::vector<std::string> extra_prefixes;
  bool operator==(const FrontProxyOptions&) const = default;
};

// Nothing: the connection is none of a proxy that is believed, or the proxy does not say for whom it asks.
std::optional<Identity> proxied_user(const HttpRequest& request, const FrontProxyOptions& options);

}  // namespace ph::net
