#include "daemon/server_access.h"

#include <charconv>
#include <cstdlib>

#include <fmt/format.h>

#include "net/client.h"

namespace ph::daemon {
namespace {

constexpr Duration kLookAgain = 10s;
constexpr char kHost[] = "KUBERNETES_SERVICE_HOST", kPort[] = "KUBERNETES_SERVICE_PORT";

// Keeps the transport it came from: streams outlive a change of connection.
class HeldStream final : public BodyStream {
 public:
  HeldStream(std::shared_ptr<Transport> transport, std::unique_ptr<BodyStream> stream)
      : transport_(std::move(transport)), stream_(std::move(stream)) {}
  Task<std::optional<SharedBytes>> next() override { return stream_->next(); }

 private:
  std::shared_ptr<Transport> transport_;
  std::unique_ptr<BodyStream> stream_;  // goes first
};

class SharingTransport final : public Transport {
 public:
  SharingTransport(Transport& inner, std::function<std::string()> token) : inner_(inner), token_(std::move(token)) {}
  Task<HttpResponse> send(HttpRequest request, bool stream) override {
    if (token_) {
      if (const std::string token = token_(); !token.empty()) request.headers.set("authorization", "Bearer " + token);
    }
    return inner_.send(std::move(request), stream);
  }

 private:
  Transport& inner_;
  const std::function<std::string()> token_;
};

}  // namespace

std::unique_ptr<BodyStream> held(std::shared_ptr<Transport> transport, std::unique_ptr<BodyStream> stream) {
  return std::make_unique<HeldStream>(std::move(transport), std::move(stream));
}

std::unique_ptr<Transport> sharing_transport(Transport& inner, std::function<std::string()> token) {
  return std::make_unique<SharingTransport>(inner, std::move(token));
}

HostPort host_port(std::string_view url) {
  const std::string whole(url);
  const auto fail = [&whole] { throw KubeconfigError(fmt::format("not an https address: {}", whole)); };
  constexpr std::string_view kScheme = "https://";
  if (!url.starts_with(kScheme)) fail();
  url.remove_prefix(kScheme.size());
  url = url.substr(0, url.find('/'));
  HostPort out;
  const auto colon = url.rfind(':');
  if (colon != std::string_view::npos && url.find(']', colon) == std::string_view::npos) {
    const std::string_view port = url.substr(colon + 1);
    const auto result = std::from_chars(port.data(), port.data() + port.size(), out.port);
    if (result.ec != std::errc() || result.ptr != port.data() + port.size()) fail();
    url = url.substr(0, colon);
  }
  if (url.starts_with('[') && url.ends_with(']')) url = url.substr(1, url.size() - 2);
  if (url.empty()) fail();
  out.host = std::string(url);
  return out;
}

net::ClientOptions client_options(const ClientConfig& config) {
  HostPort at = host_port(config.server);
  net::ClientOptions out;
  out.host = std::move(at.host);
  out.port = at.port;
  out.tls.ca_pem = config.ca_pem;
  out.tls.server_name = config.server_name;
  out.tls.skip_verify = config.skip_verify;
  out.tls.cert_pem = config.client.cert_pem;
  out.tls.key_pem = config.client.key_pem;
  return out;
}

// Sends each request over a connection of the newest configuration.
class FollowingTransport final : public Transport {
 public:
  FollowingTransport(ServerAccess& access, Executor& executor, ConnectOptions options)
      : access_(access), executor_(executor), options_(std::move(options)) {
    renew(access_.current());
  }

  Task<HttpResponse> send(HttpRequest request, bool stream) override {
    if (const auto now = access_.current(); now.generation != generation_) renew(now);
    const std::shared_ptr<Transport> transport = transport_;  // kept while the request is under way
    HttpResponse response = co_await transport->send(std::move(request), stream);
    if (response.stream) response.stream = held(transport, std::move(response.stream));
    co_return response;
  }

 private:
  void renew(const ServerAccess::Current& now) {
    net::ClientOptions options = client_options(*now.config);
    if (!options_.client_certificate) options.tls.cert_pem.clear(), options.tls.key_pem.clear();
    options.user_agent = options_.user_agent;
    options.ping_after = options_.ping_after;
    options.ping_timeout = options_.ping_timeout;
    options.connect_timeout = options_.connect_timeout;
    options.bearer_token = [this] { return bearer(); };
    transport_ = net::https_transport(access_.io_, executor_, std::move(options));
    generation_ = now.generation;
  }

  std::string bearer() const { return options_.token ? options_.token() : access_.current().config->token; }

  ServerAccess& access_;
  Executor& executor_;
  const ConnectOptions options_;
  std::shared_ptr<Transport> transport_;
  std::uint64_t generation_ = 0;
};

bool in_cluster() {
  const char* host = std::getenv(kHost);
  const char* port = std::getenv(kPort);
  return host && port && *host && *port;
}

ServerAccess::ServerAccess(net::IoThreads& io, AccessOptions options, Log log)
    : io_(io), options_(std::move(options)), log_(std::move(log)) {
  current_ = {std::make_shared<const ClientConfig>(load()), 1};
  host_port(current_.config->server);
}

ClientConfig ServerAccess::load() const {
  if (!options_.kubeconfig.empty()) return load_kubeconfig(options_.kubeconfig, options_.master);
  if (!in_cluster()) {
    throw KubeconfigError(
        "there is no --kubeconfig, and this is no pod of a cluster (KUBERNETES_SERVICE_HOST and _PORT are not set)");
  }
  return load_in_cluster(std::getenv(kHost), std::getenv(kPort));
}

ServerAccess::Current ServerAccess::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

std::string ServerAccess::server() const { return current().config->server; }

std::string ServerAccess::host() const {
  const HostPort at = host_port(server());
  return fmt::format("{}:{}", at.host, at.port);
}

void ServerAccess::reload() {
  ClientConfig fresh = load();
  host_port(fresh.server);
  const std::lock_guard lock(mutex_);
  const bool reconnect = !fresh.same_connection(*current_.config);
  if (!reconnect && fresh.token == current_.config->token) return;
  log_.info("credentials renewed", "server", fresh.server, "reconnect", reconnect);
  current_ = {std::make_shared<const ClientConfig>(std::move(fresh)), current_.generation + (reconnect ? 1 : 0)};
}

void ServerAccess::look_again() {
  try {
    reload();
  } catch (const std::exception& error) {
    log_.error("the kubeconfig cannot be read; the last good one stays in use", "err", error.what());
  }
}

Task<void> ServerAccess::follow_files() {
  for (;;) {
    co_await sleep_for(kLookAgain);
    look_again();
  }
}

std::unique_ptr<Transport> ServerAccess::connect(Executor& executor, ConnectOptions options) {
  return std::make_unique<FollowingTransport>(*this, executor, std::move(options));
}

}  // namespace ph::daemon
