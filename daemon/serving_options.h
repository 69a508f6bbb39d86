// Options of a daemon's secure port; names and defaults are upstream's flags.
#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "net/front_proxy.h"

namespace ph::daemon {

struct ServingOptions {
  std::string bind_address = "0.0.0.0";
  int secure_port = 0;   // 0: nothing is served
  std::string cert_dir;  // where a self-made certificate is kept; empty: in memory
  std::string tls_cert_file, tls_private_key_file;
  std::string tls_min_version;  // VersionTLS12 or VersionTLS13; empty: 1.2

  std::string client_ca_file;  // empty: what the cluster publishes
  // Of front proxies; without the file the cluster says all of this.
  std::string proxy_ca_file;
  net::FrontProxyOptions proxy{.ca_pem = {},
                               .allowed_names = {},
                               .username_headers = {"x-remote-user"},
                               .uid_headers = {},
                               .group_headers = {"x-remote-group"},
                               .extra_prefixes = {"x-remote-extra-"}};
  std::string authentication_kubeconfig;  // whom to ask about tokens; empty: a pod's own server, or nobody
  bool authentication_skip_lookup = false;
  bool authentication_tolerate_lookup_failure = false;
  Duration token_cache_ttl = 10s;

  std::string authorization_kubeconfig;  // whom to ask about rights; empty: a pod's own server, or nobody
  std::vector<std::string> always_allow_paths{"/healthz", "/readyz", "/livez"};
  Duration authorized_cache_ttl = 10s, unauthorized_cache_ttl = 10s;
};

}  // namespace ph::daemon
