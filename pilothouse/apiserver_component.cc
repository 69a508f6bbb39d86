#include "pilothouse/apiserver_component.h"

#include <algorithm>

#include "api/errors.h"
#include "apiserver/maintenance/store_paths.h"
#include "apiserver/storage/encryption/reload.h"
#include "apiserver/storage/memory.h"
#include "apiserver/storage/rocksdb.h"
#include "base/assert.h"
#include "daemon/files.h"
#include "net/interfaces.h"
#include "pilothouse/authorization_services.h"
#include "pilothouse/metrics_server.h"
#include "pilothouse/pod_logs.h"
#include "pilothouse/version.h"
#include "pilothouse/webhooks.h"

namespace ph::pilothouse {
namespace {

// The apiserver's own limit is 3 MiB, and it says so with a Status; what is much larger is cut off before.
constexpr std::size_t kBodyBytesMax = 8 << 20;

// A program's pages on the apiserver's own port; its authorizer has judged the request.
class Pages final : public apiserver::PathHandler {
 public:
  explicit Pages(std::vector<daemon::Page> pages) : pages_(std::move(pages)) {}
  Task<std::optional<HttpResponse>> try_handle(const HttpRequest& request, const Identity&) override {
    const auto page = std::ranges::find(pages_, request.path(), &daemon::Page::path);
    if (page == pages_.end()) co_return std::nullopt;
    if (!page->takes(request.method)) throw api::method_not_allowed("", request.method);
    co_return co_await page->answer(request);
  }

 private:
  const std::vector<daemon::Page> pages_;
};

void log_failure(const Log& log, std::exception_ptr error) {
  try {
    std::rethrow_exception(std::move(error));
  } catch (const std::exception& failure) {
    log.error("other servers cannot be told whom this one believes", "err", failure.what());
  }
}

HttpResponse unavailable() {
  HttpResponse response{.status = 503};
  response.headers.add("Retry-After", "1");
  return response;
}

}  // namespace

std::optional<HttpResponse> Door::begin(HttpRequest& request) {
  HttpHandler* const handler = handler_;
  return handler ? handler->begin(request) : std::nullopt;
}

Task<HttpResponse> Door::handle(HttpRequest request) {
  if (HttpHandler* const handler = handler_) co_return co_await handler->handle(std::move(request));
  co_return unavailable();
}

Task<HeadVerdict> Door::judge_head(HttpRequest head) {
  if (HttpHandler* const handler = handler_) co_return co_await handler->judge_head(std::move(head));
  HeadVerdict verdict;
  verdict.refusal = unavailable();
  co_return verdict;
}

namespace {

KmsMaker kms_maker(net::IoThreads& io, Executor& executor, Rng& rng, Log log) {
  return [&io, &executor, &rng, log](const apiserver::encryption::KmsOptions& options) {
    auto plugin = apiserver::encryption::grpc_kms_plugin(net::grpc_over_unix(io, executor, options.path), options.timeout);
    return std::make_shared<apiserver::encryption::Kms>(options, std::move(plugin), executor, rng, log);
  };
}

struct ReloadMetrics {
  Metrics* in = nullptr;

  Family<Counter> reloads{in,
                          {Stability::Alpha,
                           "apiserver_encryption_config_controller_automatic_reloads_total",
                           "Readings of a changed encryption configuration, by what came of them.",
                           {"status"}}};
  Family<Gauge> last{in,
                     {Stability::Alpha,
                      "apiserver_encryption_config_controller_automatic_reload_last_timestamp_seconds",
                      "When that was last.",
                      {"status"}}};
};

// Of the first that has one. All are asked again soon: who looks at the check wants to know how they are now.
std::optional<std::string> kms_problem(const std::vector<std::shared_ptr<apiserver::encryption::Kms>>& all) {
  std::optional<std::string> problem;
  for (const auto& one : all) {
    one->nudge();
    if (!problem) problem = one->problem();
  }
  return problem;
}

}  // namespace

std::string advertised(const std::string& bind_address) {
  const bool own =
      bind_address != "0.0.0.0" && bind_address != "::" && bind_address != "::1" && !bind_address.starts_with("127.");
  return own ? bind_address : net::primary_address();
}

std::string reachable(const std::string& bind_address) {
  if (bind_address == "0.0.0.0") return "127.0.0.1";
  if (bind_address == "::") return "[::1]";
  return bind_address.find(':') == std::string::npos ? bind_address : "[" + bind_address + "]";
}

std::vector<daemon::Page> apiserver_pages(std::function<daemon::FlagValues()> flags, const Clock& clock) {
  constexpr char kComponent[] = "kube-apiserver";
  return {daemon::flagz_page(kComponent, std::move(flags)),
          daemon::statusz_page(kComponent, kVersion, clock,
                               {"/flagz", "/healthz", "/livez", "/metrics", "/readyz", "/statusz", "/version"})};
}

ApiServerComponent::ApiServerComponent(Executor& executor, net::IoThreads& io, ApiServerOptions options, Rng& rng, Log log,
                                       NodeLogs& logs, Metrics* metrics)
    : publishing(executor, [log](std::exception_ptr error) { log_failure(log, std::move(error)); }),
      helper("helper", executor.clock(), metrics),
      idle_memory("memory", executor.clock(), [](Executor& own) { return std::make_unique<IdleMemory>(own_memory(), own); }),
      encryption_log_(log.named("encryption")) {
  // The port first: it is what most often is not to be had, and costs nothing.
  net::ServerOptions net_options;
  net_options.bind_address = options.bind_address;
  net_options.port = static_cast<std::uint16_t>(options.secure_port);
  net_options.tls = options.tls;
  net_options.body_bytes_max = kBodyBytesMax;
  // The time that a request has counts from its first byte to the last of its answer, as far as the client makes it last.
  net_options.request_timeout = net_options.write_timeout = options.server.request_timeout;
  net_options.body_wait = std::min(net_options.body_wait, options.server.request_timeout / 2);
  if (const double chance = options.goaway_chance; chance > 0) {
    net_options.moves_on = [&rng, chance] { return rng.fraction() < chance; };
  }
  https = std::make_unique<net::HttpsServer>(io, door, executor, net_options, log.named("https"));

  std::unique_ptr<apiserver::Store> bare;
  if (options.store == "memory") {
    bare = apiserver::memory_store(executor, executor.clock(), {.metrics = metrics});
  } else {
    bare = apiserver::open_rocksdb_store(options.store_path, executor, executor.clock(),
                                         {.log = log.named("store"), .metrics = metrics});
  }
  // Without a configuration it still knows what has been encrypted before.
  auto encryption = options.encryption.value_or(apiserver::encryption::Configuration());
  kms_maker_ = kms_maker(io, executor, rng, encryption_log_);
  kms = encryption.open_kms(kms_maker_);
  store = apiserver::encryption::encrypted_store(std::move(bare), std::move(encryption), rng, encryption_log_);
  options.standard.health.push_back(
      {.name = "kms-providers", .problem = [this] { return kms_problem(kms); }, .ready_only = true});
  options.standard.health.push_back({.name = "encryption-at-rest", .problem = [this]() -> std::optional<std::string> {
                                       if (store->unreadable().empty()) return std::nullopt;
                                       return "stored objects cannot be decrypted";
                                     }});
  options.server.advertise_address =
      options.advertise_address.empty() ? advertised(options.bind_address) : options.advertise_address;
  options.server.advertise_port = https->port();
  options.server.metrics = metrics;
  options.server.helper = &helper;
  if (metrics) process.emplace(*metrics, executor, &read_own_process);
  server = std::make_unique<apiserver::ApiServer>(executor, rng, *store, log.named("apiserver"), options.server);
  for (const daemon::Page& page : options.pages) options.standard.listed_paths.push_back(page.path);
  options.standard.log = log.named("apiserver");
  options.standard.webhooks = webhook_transports(io, executor);
  options.standard.authorization_services = authorization_services(io, executor);
  options.standard.webhook_backends = webhook_backends();
  if (options.kubelets.io) kubelets = std::make_unique<KubeletClient>(executor, std::move(options.kubelets));
  if (!options.metrics_server.empty()) {
    PH_ASSERT(kubelets);
    options.standard.foreign[kMetricsVersion] = metrics_at(*kubelets, options.metrics_server);
  } else if (options.serves_metrics) {
    options.standard.foreign[kMetricsVersion] = metrics_of(logs);
  }
  apiserver::Extensions extensions = apiserver::standard_extensions(*server, executor.clock(), rng, std::move(options.standard));
  extensions.subresources.emplace("pods/log", pod_logs(logs, server->reader(), kubelets.get()));
  extensions.paths.push_back(std::make_unique<Pages>(std::move(options.pages)));
  if (has_audit(options.audit)) {
    auditor.emplace(
        "audit", executor.clock(), [&](Executor& own) { return make_auditor(options.audit, own, io, rng, log.named("audit")); },
        metrics);
    extensions.auditor = &**auditor;
  }
  extensions.paths.push_back(apiserver::store_paths(*store, executor.clock()));
  server->install(std::move(extensions));
  follow_encryption(options, metrics);
}

ApiServerComponent::~ApiServerComponent() = default;

void ApiServerComponent::publish(apiserver::AuthenticationTrust trust) {
  publishing.spawn(apiserver::publish_authentication_trust(*server, publishing.executor().clock(), std::move(trust)));
}

Task<std::optional<std::string>> ApiServerComponent::encrypt_by(apiserver::encryption::Configuration next) {
  auto asked = next.open_kms(kms_maker_);
  for (const auto& one : asked) co_await one->prime();
  for (const auto& one : asked) {
    if (one->problem()) co_return "a KMS plugin is not well: " + *one->problem();
  }
  store->use(std::move(next));
  kms = std::move(asked);
  co_return std::nullopt;
}

void ApiServerComponent::follow_encryption(const ApiServerOptions& options, Metrics* metrics) {
  if (options.encryption_file.empty()) return;
  apiserver::encryption::Reload reload{.text = options.encryption_text, .read = {}, .use = {}, .told = {}};
  // A file may be slow: somebody else reads it.
  reload.read = [this, file = options.encryption_file]() -> Task<std::optional<std::string>> {
    const Completion<std::optional<std::string>> text;
    helper.post([text, file] {
      try {
        text.set(daemon::read_file(file));
      } catch (const daemon::FileError&) {
        text.set(std::nullopt);
      }
    });
    co_return co_await text.get();
  };
  reload.use = [this](apiserver::encryption::Configuration next) { return encrypt_by(std::move(next)); };
  if (metrics) {
    reload.told = [metrics = ReloadMetrics{metrics}, &clock = publishing.executor().clock()](bool good) {
      metrics.reloads.with({good ? "success" : "failure"}).add();
      const auto seconds = std::chrono::duration<double>(clock.now().time_since_epoch()).count();
      metrics.last.with({good ? "success" : "failure"}).set(seconds);
    };
  }
  publishing.spawn(follow_configuration(std::move(reload), encryption_log_));
}

Task<void> ApiServerComponent::serve() {
  // A plugin may start together with the server; what it must unwrap is waited for anyway.
  for (const auto& one : kms) co_await one->prime();
  co_await server->start();
  door.open(*server);
}

}  // namespace ph::pilothouse
