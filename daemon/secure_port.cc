#include "daemon/secure_port.h"

#include <algorithm>

#include <fmt/format.h>

#include "api/errors.h"
#include "daemon/files.h"
#include "net/pki.h"

namespace ph::daemon {
namespace {

constexpr char kText[] = "text/plain; charset=utf-8";

// The method as an authorizer knows it.
std::string verb_of(const HttpRequest& request) {
  std::string verb = request.method;
  std::ranges::transform(verb, verb.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return verb;
}

}  // namespace

Task<HttpResponse> PortHandler::handle(HttpRequest request) {
  const auto found = std::ranges::find_if(routes_, [&](const Route& each) { return request.path().starts_with(each.prefix); });
  const Route* route = found == routes_.end() ? nullptr : &*found;
  Wish wish{.verb = verb_of(request), .path = std::string(request.path()), .resource = {}, .subresource = {}, .name = {}};
  if (route) wish = route->wish(request);
  auto verdict = co_await access_.admit(request, std::move(wish));
  if (verdict.refusal) co_return std::move(*verdict.refusal);
  try {
    co_return co_await answer(request, route);
  } catch (const api::ApiError& error) {
    co_return status_response(error);
  }
}

Task<HttpResponse> PortHandler::answer(const HttpRequest& request, const Route* route) {
  const auto page = std::ranges::find(pages_, request.path(), &Page::path);
  const bool read = request.method == "GET" || request.method == "HEAD";
  if (!read && (route || page == pages_.end() || !page->takes(request.method))) {
    co_return text_response(405, kText, "method not allowed\n");
  }
  if (route) co_return co_await route->answer(request);
  if (auto health = answer_health(checks_, request, &answers_)) co_return std::move(*health);
  if (request.path() == "/metrics/slis") co_return text_response(200, Metrics::kContentType, slis_.render());
  if (page != pages_.end()) co_return co_await page->answer(request);
  co_return text_response(404, kText, "404 page not found\n");
}

PortCertificates::PortCertificates(const ServingOptions& options, std::string name, std::string host, const Clock& clock,
                                   Rng& rng)
    : options_(options) {
  if (options_.tls_cert_file.empty() != options_.tls_private_key_file.empty()) {
    throw std::runtime_error("--tls-cert-file and --tls-private-key-file go together");
  }
  if (options_.tls_cert_file.empty()) {
    const auto stem = std::filesystem::path(options_.cert_dir) / name;
    const auto certificate = options_.cert_dir.empty() ? std::nullopt : read_file(stem.string() + ".crt");
    const auto key = options_.cert_dir.empty() ? std::nullopt : read_file(stem.string() + ".key");
    if (certificate && key && net::inspect_certificate(*certificate).not_after > clock.now()) {
      made_ = {*certificate, *key};
    } else {
      const net::Issuing issuing{clock, rng};
      const net::Credential ca = net::make_ca(host + "-ca", issuing);
      made_ = net::issue_server_certificate(
          ca, {.common_name = host, .dns_names = {host, "localhost"}, .ip_addresses = {"127.0.0.1", "::1"}}, issuing);
      made_.cert_pem += ca.cert_pem;
      if (!options_.cert_dir.empty()) {
        make_directory(options_.cert_dir);
        write_file(stem.string() + ".key", made_.key_pem, true);
        write_file(stem.string() + ".crt", made_.cert_pem, false);
      }
    }
  }
  read();
}

void PortCertificates::read() {
  const auto must = [](const std::string& path) {
    auto content = read_file(path);
    if (!content) throw FileError(fmt::format("there is no file {}", path));
    return *content;
  };
  shown_ =
      options_.tls_cert_file.empty() ? made_ : net::Credential{must(options_.tls_cert_file), must(options_.tls_private_key_file)};
  client_ca_ = options_.client_ca_file.empty() ? std::string() : must(options_.client_ca_file);
  proxy_ca_ = options_.proxy_ca_file.empty() ? std::string() : must(options_.proxy_ca_file);
}

net::TlsServerOptions PortCertificates::tls() const {
  return {.cert_pem = shown_.cert_pem,
          .key_pem = shown_.key_pem,
          .client_ca_pem = client_ca_.empty() ? published_client_ca_ : client_ca_,
          .tls13_only = options_.tls_min_version == "VersionTLS13",
          .proxy_ca_pem = proxy().ca_pem};
}

bool PortCertificates::reload() {
  const net::Credential shown = shown_;
  const std::string client_ca = client_ca_, proxy_ca = proxy_ca_;
  read();
  return shown.cert_pem != shown_.cert_pem || shown.key_pem != shown_.key_pem || client_ca != client_ca_ || proxy_ca != proxy_ca_;
}

bool PortCertificates::set_published_client_ca(std::string pem) {
  if (pem == published_client_ca_) return false;
  published_client_ca_ = std::move(pem);
  return client_ca_.empty();
}

net::FrontProxyOptions PortCertificates::proxy() const {
  if (options_.proxy_ca_file.empty()) return published_proxy_;
  net::FrontProxyOptions out = options_.proxy;
  out.ca_pem = proxy_ca_;
  return out;
}

bool PortCertificates::set_published_proxy(net::FrontProxyOptions proxy) {
  if (proxy == published_proxy_) return false;
  published_proxy_ = std::move(proxy);
  return options_.proxy_ca_file.empty();
}

}  // namespace ph::daemon
