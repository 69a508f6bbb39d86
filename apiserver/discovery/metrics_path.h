// /metrics: what the process counts, as text for Prometheus.
#pragma once

#include "apiserver/extensions.h"
#include "base/metrics.h"

namespace ph::apiserver {

class MetricsHandler final : public PathHandler {
 public:
  // `metrics` must outlive it.
  explicit MetricsHandler(Metrics& metrics) : metrics_(metrics) {}

  Task<std::optional<HttpResponse>> try_handle(const HttpRequest& request, const Identity& user) override;

 private:
  Metrics& metrics_;
};

HttpResponse metrics_response(std::string text);

}  // namespace ph::apiserver
