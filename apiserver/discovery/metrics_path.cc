#include "apiserver/discovery/metrics_path.h"

#include "api/errors.h"

namespace ph::apiserver {

Task<std::optional<HttpResponse>> MetricsHandler::try_handle(const HttpRequest& request, const Identity&) {
  if (request.path() != "/metrics") co_return std::nullopt;
  if (request.method != "GET" && request.method != "HEAD") throw api::method_not_allowed("", request.method);
  co_return metrics_response(co_await metrics_.scrape());
}

HttpResponse metrics_response(std::string text) {
  HttpResponse response;
  response.headers.add("Content-Type", Metrics::kContentType);
  response.headers.add("Cache-Control", "no-cache, private");
  response.body.push_back(share(std::move(text)));
  return response;
}

}  // namespace ph::apiserver
