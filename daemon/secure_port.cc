#include "daemon/secure_port.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/errors.h"
#include "api/times.h"
#include "daemon/files.h"
#include "net/pki.h"

namespace ph::daemon {
namespace {

constexpr std::string_view kWarning =
    "Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging "
    "purposes only.\n";

HttpResponse text(int status, std::string content_type, std::string body) {
  HttpResponse response{.status = status};
  response.headers.add("Content-Type", std::move(content_type));
  response.headers.add("X-Content-Type-Options", "nosniff");
  response.headers.add("Cache-Control", "no-cache, private");
  response.body.push_back(share(std::move(body)));
  return response;
}

// The method as an authorizer knows it.
std::string verb_of(const HttpRequest& request) {
  std::string verb = request.method;
  std::ranges::transform(verb, verb.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return verb;
}

Task<std::string> flag_text(std::string component, const FlagSet* flags) {
  std::string out = fmt::format("\n{} flagz\n{}\n", component, kWarning);
  for (const FlagSet::Flag* flag : flags->flags()) out += fmt::format("{}={}\n", flag->name, flag->text());
  co_return out;
}

Task<std::string> status_text(std::string component, std::string version, const Clock* clock, Time started, std::vector<std::string> paths) {
  const auto up = std::chrono::duration_cast<std::chrono::seconds>(clock->now() - started).count();
  const std::string since = api::rfc3339(started);
  std::ranges::sort(paths);
  co_return fmt::format(
      "\n{} statusz\n{}\nStarted: {}\nUp: {} hr {:02} min {:02} sec\nBinary version: {}\nEmulation version: 1.36\nPaths: {}\n", component,
      kWarning, since, up / 3600, up / 60 % 60, up % 60, version.substr(version.starts_with('v') ? 1 : 0), fmt::join(paths, " "));
}

Task<std::string> config_text(std::string name, std::string config) { co_return fmt::format("{{\"{}\":{}}}", name, config); }

}  // namespace

Page flagz_page(std::string component, const FlagSet& flags) {
  return {"/flagz", "text/plain; charset=utf-8", [component = std::move(component), &flags] { return flag_text(component, &flags); }};
}

Page statusz_page(std::string component, std::string version, const Clock& clock, std::vector<std::string> paths) {
  return {"/statusz", "text/plain; charset=utf-8",
          [component = std::move(component), version = std::move(version), &clock, started = clock.now(), paths = std::move(paths)] {
            return status_text(component, version, &clock, started, paths);
          }};
}

Page configz_page(std::string name, std::function<std::string()> config) {
  return {"/configz", "application/json", [name = std::move(name), config = std::move(config)] { return config_text(name, config()); }};
}

Task<HttpResponse> PortHandler::handle(HttpRequest request) {
  const auto route = std::ranges::find_if(routes_, [&](const Route& each) { return request.path().starts_with(each.prefix); });
  Wish wish{.verb = verb_of(request), .path = std::string(request.path()), .resource = {}, .subresource = {}, .name = {}};
  if (route != routes_.end()) wish = route->wish(request);
  auto verdict = co_await access_.admit(request, std::move(wish));
  if (verdict.refusal) co_return std::move(*verdict.refusal);
  if (request.method != "GET" && request.method != "HEAD") co_return text(405, "text/plain; charset=utf-8", "method not allowed\n");
  if (route != routes_.end()) co_return co_await route->answer(request);
  if (auto health = answer_health(checks_, request)) co_return std::move(*health);
  for (const Page& page : pages_) {
    if (page.path == request.path()) co_return text(200, page.content_type, co_await page.body());
  }
  co_return text(404, "text/plain; charset=utf-8", "404 page not found\n");
}

PortCertificates::PortCertificates(const ServingOptions& options, std::string name, std::string host, const Clock& clock, Rng& rng)
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
      made_ = net::issue_server_certificate(ca, {.common_name = host, .dns_names = {host, "localhost"}, .ip_addresses = {"127.0.0.1", "::1"}}, issuing);
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
  shown_ = options_.tls_cert_file.empty() ? made_ : net::Credential{must(options_.tls_cert_file), must(options_.tls_private_key_file)};
  client_ca_ = options_.client_ca_file.empty() ? std::string() : must(options_.client_ca_file);
}

net::TlsServerOptions PortCertificates::tls() const {
  return {.cert_pem = shown_.cert_pem, .key_pem = shown_.key_pem, .client_ca_pem = client_ca_.empty() ? published_client_ca_ : client_ca_,
          .tls13_only = options_.tls_min_version == "VersionTLS13"};
}

bool PortCertificates::reload() {
  const net::Credential shown = shown_;
  const std::string client_ca = client_ca_;
  read();
  return shown.cert_pem != shown_.cert_pem || shown.key_pem != shown_.key_pem || client_ca != client_ca_;
}

bool PortCertificates::set_published_client_ca(std::string pem) {
  if (pem == published_client_ca_) return false;
  published_client_ca_ = std::move(pem);
  return client_ca_.empty();
}

}  // namespace ph::daemon
