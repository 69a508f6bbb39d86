#include "tests/sim/metrics_api.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/selector.h"
#include "api/times.h"

namespace ph::sim {
namespace {

using Json = nlohmann::json;

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

api::LabelSelector selector_of(const HttpRequest& request) {
  std::string_view query = request.query();
  while (!query.empty()) {
    const std::string_view one = query.substr(0, query.find('&'));
    if (one.starts_with("labelSelector=")) return api::LabelSelector::parse(decoded(one.substr(14)));
    query.remove_prefix(std::min(one.size() + 1, query.size()));
  }
  return {};
}

HttpResponse json(int status, const Json& body) {
  HttpResponse out;
  out.status = status;
  out.headers.add("content-type", "application/json");
  out.body.push_back(share(body.dump()));
  return out;
}

std::vector<std::string> parts(std::string_view path) {
  std::vector<std::string> out;
  while (!path.empty()) {
    path.remove_prefix(1);
    const auto end = std::min(path.find('/'), path.size());
    out.emplace_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return out;
}

}  // namespace

void MetricsApi::serve(Cluster& cluster) {
  cluster.put_before([this, &cluster](HttpRequest& request) { return answer(request, cluster.now()); });
}

std::optional<HttpResponse> MetricsApi::answer(const HttpRequest& request, Time now) const {
  if (request.path().find(".metrics.k8s.io") == std::string_view::npos &&
      request.path().find("/metrics.k8s.io") == std::string_view::npos) {
    return std::nullopt;
  }
  if (is_down) return json(503, "service unavailable");
  const std::vector<std::string> path = parts(request.path());
  if (path.size() == 2) return json(200, {{"name", path[1]}, {"versions", {{{"version", "v1beta2"}}}}});
  Json items = Json::array();
  if (path.size() == 6 && path[1] == "metrics.k8s.io") {
    const auto space = pods.find(path[4]);
    const api::LabelSelector selector = selector_of(request);
    for (const auto& [name, use] : space == pods.end() ? std::map<std::string, Use>() : space->second) {
      if (!selector.matches_map(use.labels)) continue;
      items.push_back({{"metadata", {{"name", name}}},
                       {"timestamp", api::rfc3339(now)},
                       {"window", "15s"},
                       {"containers", {{{"name", "c"}, {"usage", {{"cpu", fmt::format("{}m", use.milli_cpu)}}}}}}});
    }
  } else if (path.size() == 6 && path[1] == "external.metrics.k8s.io") {
    const auto value = external.find(path[5]);
    if (value != external.end()) items.push_back({{"metricName", path[5]}, {"value", fmt::format("{}m", value->second)}});
  } else if (path.size() == 8 && path[1] == "custom.metrics.k8s.io") {
    const auto values = custom.find(path[7]);
    for (const auto& [name, value] : values == custom.end() ? std::map<std::string, std::int64_t>() : values->second) {
      items.push_back(
          {{"describedObject", {{"name", name}}}, {"timestamp", api::rfc3339(now)}, {"value", fmt::format("{}m", value)}});
    }
  }
  return json(200, {{"kind", "List"}, {"apiVersion", "v1"}, {"items", items}});
}

}  // namespace ph::sim
