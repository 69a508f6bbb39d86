#include "apiserver/authn/outside.h"

#include <fmt/format.h>

#include "base/within.h"

namespace ph::apiserver {
UrlParts split_url(std::string_view url) {
  constexpr std::string_view kScheme = "https://";
  if (!url.starts_with(kScheme)) return {};
  const std::string_view rest = url.substr(kScheme.size());
  const auto end = rest.find_first_of("/?#");
  UrlParts out{.base = {}, .host = std::string(rest.substr(0, end)), .path = "/", .name = {}};
  if (out.host.empty() || out.host.find_first_of("@ \\") != std::string::npos) return {};
  out.base = std::string(kScheme) + out.host;
  out.name = out.host.starts_with('[') ? out.host.substr(1, out.host.find(']') - 1) : out.host.substr(0, out.host.find(':'));
  if (end == rest.npos) return out;
  const std::string_view path = rest.substr(end, rest.find('#', end) - end);
  out.path = path.starts_with('/') ? std::string(path) : "/" + std::string(path);
  return out;
}

Task<Outside::Answer> Outside::send(WebhookAddress address, HttpRequest request, Duration limit, std::size_t bytes_max) {
  const std::string what = fmt::format("{} {}{}", request.method, address.url, request.path());
  std::optional<HttpResponse> response;
  try {
    const std::shared_ptr<Transport> transport = open_.to(address);
    response = co_await within(limit, transport->send(std::move(request), false));
  } catch (const TransportError& error) {
    throw NoAnswer(fmt::format("{}: {}", what, error.what()));
  } catch (const std::invalid_argument& error) {
    throw NoAnswer(fmt::format("{}: {}", what, error.what()));
  } catch (const std::runtime_error& error) {
    throw NoAnswer(fmt::format("{}: {}", what, error.what()));
  }
  if (!response) throw NoAnswer(fmt::format("{}: no answer in time", what));
  Answer out{.status = response->status, .body = {}};
  for (const SharedBytes& piece : response->body) {
    if (out.body.size() + piece->size() > bytes_max) throw NoAnswer(fmt::format("{}: the answer is too large", what));
    out.body += *piece;
  }
  co_return out;
}

}  // namespace ph::apiserver
