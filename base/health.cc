#include "base/health.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace ph {

namespace {

constexpr std::string_view kEndpoints[] = {"healthz", "livez", "readyz"};

bool asked_by(const HealthCheck& check, std::string_view endpoint) {
  return endpoint == "readyz" ? !check.live_only : !check.ready_only;
}

HttpResponse text(int status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.headers.add("Content-Type", "text/plain; charset=utf-8");
  response.headers.add("X-Content-Type-Options", "nosniff");
  response.headers.add("Cache-Control", "no-cache, private");
  response.body.push_back(share(std::move(body)));
  return response;
}

bool asks_verbose(std::string_view query) {
  return query == "verbose" || query.starts_with("verbose&") || query.starts_with("verbose=") ||
         query.find("&verbose") != std::string_view::npos;
}

// The values of `exclude`. Names of checks need no percent-encoding, but clients may encode their slashes.
std::vector<std::string> excluded(std::string_view query) {
  std::vector<std::string> out;
  while (!query.empty()) {
    const auto end = query.find('&');
    std::string term(query.substr(0, end));
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    if (!term.starts_with("exclude=")) continue;
    term.erase(0, 8);
    for (std::size_t at; (at = term.find("%2F")) != std::string::npos;) term.replace(at, 3, "/");
    out.push_back(std::move(term));
  }
  return out;
}

std::optional<std::string> ask(const HealthCheck& check, std::string_view endpoint, const HealthMetrics* counted) {
  auto problem = check.problem();
  if (counted) {
    counted->check.with({check.name, endpoint}).set(problem ? 0 : 1);
    counted->checks.with({check.name, problem ? "error" : "success", endpoint}).add();
  }
  return problem;
}

HttpResponse answer_all(std::span<const HealthCheck> checks, std::string_view endpoint, std::string_view query,
                        const HealthMetrics* counted) {
  std::string lines;
  bool well = true;
  std::vector<std::string> without = excluded(query);
  for (const HealthCheck& check : checks) {
    if (!asked_by(check, endpoint)) continue;
    if (std::erase(without, check.name) > 0) {
      lines += fmt::format("[+]{} excluded: ok\n", check.name);
    } else if (ask(check, endpoint, counted)) {
      lines += fmt::format("[-]{} failed: reason withheld\n", check.name);
      well = false;
    } else {
      lines += fmt::format("[+]{} ok\n", check.name);
    }
  }
  if (!without.empty()) {
    for (std::string& name : without) name = '"' + name + '"';
    lines += fmt::format("warn: some health checks cannot be excluded: no matches for {}\n", fmt::join(without, ","));
  }
  if (!well) return text(500, fmt::format("{}{} check failed\n", lines, endpoint));
  if (!asks_verbose(query)) return text(200, "ok");
  return text(200, fmt::format("{}{} check passed\n", lines, endpoint));
}

}  // namespace

HealthCheck healthy(std::string name) {
  return {std::move(name), [] { return std::optional<std::string>(); }};
}

std::optional<HttpResponse> answer_health(std::span<const HealthCheck> checks, const HttpRequest& request,
                                          const HealthMetrics* counted) {
  const std::string_view path = request.path();
  for (const std::string_view endpoint : kEndpoints) {
    if (path.size() < 2 || !path.substr(1).starts_with(endpoint)) continue;
    const std::string_view rest = path.substr(1 + endpoint.size());
    if (rest.empty() || rest == "/") return answer_all(checks, endpoint, request.query(), counted);
    if (rest.front() != '/') continue;
    for (const HealthCheck& check : checks) {
      if (check.name != rest.substr(1) || !asked_by(check, endpoint)) continue;
      const auto problem = ask(check, endpoint, counted);
      if (problem) return text(500, fmt::format("internal server error: {}\n", *problem));
      return text(200, "ok");
    }
  }
  return std::nullopt;
}

std::vector<std::string> health_paths(std::span<const HealthCheck> checks) {
  std::vector<std::string> out;
  for (const std::string_view endpoint : kEndpoints) {
    out.push_back(fmt::format("/{}", endpoint));
    for (const HealthCheck& check : checks) {
      if (asked_by(check, endpoint)) out.push_back(fmt::format("/{}/{}", endpoint, check.name));
    }
  }
  return out;
}

}  // namespace ph
