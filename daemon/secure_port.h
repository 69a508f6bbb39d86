// What a daemon shows on its secure port: /healthz, /livez, /readyz, /metrics/slis, and pages such as /metrics, /configz, /flagz,
// /statusz.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/health.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "base/transport.h"
#include "daemon/delegated_access.h"
#include "daemon/pages.h"
#include "daemon/serving_options.h"
#include "net/event_loop.h"
#include "net/pki.h"
#include "net/server.h"

namespace ph::daemon {

// All paths below a prefix, answered by whoever knows them. `wish`: what of the cluster a caller must be allowed to do.
struct Route {
  std::string prefix;
  std::function<Wish(const HttpRequest&)> wish;
  std::function<Task<HttpResponse>(const HttpRequest&)> answer;  // the request outlives the task
};

// Answers the requests of a secure port, one by one through DelegatedAccess. Belongs to its executor.
class PortHandler final : public HttpHandler {
 public:
  PortHandler(DelegatedAccess& access, std::vector<HealthCheck> checks, std::vector<Page> pages, std::vector<Route> routes)
      : access_(access), checks_(std::move(checks)), pages_(std::move(pages)), routes_(std::move(routes)) {}
  Task<HttpResponse> handle(HttpRequest request) override;

 private:
  // To somebody who may ask.
  Task<HttpResponse> answer(const HttpRequest& request, const Route* route);

  DelegatedAccess& access_;
  const std::vector<HealthCheck> checks_;
  const std::vector<Page> pages_;
  const std::vector<Route> routes_;
  Metrics slis_;
  const HealthMetrics answers_{&slis_};
};

// The certificate a port shows, and whose client certificates it believes: read from files, or made when there are none.
class PortCertificates {
 public:
  // Throws FileError or std::runtime_error. `name`: of the files of a self-made certificate in cert_dir.
  PortCertificates(const ServingOptions& options, std::string name, std::string host, const Clock& clock, Rng& rng);

  net::TlsServerOptions tls() const;
  // Reads the files again; whether something is different.
  bool reload();
  // What the cluster publishes for client certificates; whether that is different.
  bool set_published_client_ca(std::string pem);
  // What it publishes of front proxies, for when no file says it; whether that is different.
  bool set_published_proxy(net::FrontProxyOptions proxy);
  // Which front proxies are believed.
  net::FrontProxyOptions proxy() const;

 private:
  void read();

  const ServingOptions& options_;
  net::Credential made_;
  net::Credential shown_;
  std::string client_ca_, published_client_ca_, proxy_ca_;
  net::FrontProxyOptions published_proxy_;
};

}  // namespace ph::daemon
