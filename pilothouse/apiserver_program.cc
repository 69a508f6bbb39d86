#include "pilothouse/apiserver_program.h"

#include <fmt/format.h>

#include "daemon/data_dir.h"
#include "daemon/files.h"
#include "daemon/pages.h"
#include "daemon/part.h"
#include "daemon/program.h"
#include "net/interfaces.h"
#include "pilothouse/apiserver_component.h"
#include "pilothouse/flags/apiserver.h"
#include "pilothouse/flags/hardened.h"
#include "pilothouse/limits.h"
#include "pilothouse/node_component.h"
#include "pilothouse/version.h"

namespace ph::pilothouse {
namespace {

constexpr Duration kGrace = 5s;
constexpr Duration kLookAgain = 10s;  // at certificate files

struct ReloadMetrics {
  Metrics* in = nullptr;
  Family<Counter> reloads{in,
                          {Stability::Beta,
                           "apiserver_authentication_config_controller_automatic_reloads_total",
                           "How often the authentication configuration was read anew, by outcome.",
                           {"status"}}};
  Family<Gauge> last{in,
                     {Stability::Beta,
                      "apiserver_authentication_config_controller_automatic_reload_last_timestamp_seconds",
                      "When the authentication configuration was last read anew, by outcome.",
                      {"status"}}};

  void told(const char* status, Time now) const {
    reloads.with({status}).add();
    last.with({status}).set(std::chrono::duration<double>(now.time_since_epoch()).count());
  }
};

class Program {
 public:
  Program(ApiServerProgramOptions& options, const daemon::FlagSet& flags, daemon::Signals& signals)
      : options_(options),
        log_(daemon::make_log(options.log)),
        dir_({.path = options.data_dir, .extra_names = names(options)}, clock_, rng_, log_),
        io_(static_cast<unsigned>(options.io_threads)),
        part_(
            "apiserver", clock_,
            [&](Executor& executor) {
              return std::make_unique<ApiServerComponent>(executor, io_, component_options(flags), rng_, log_, no_nodes_,
                                                          &metrics_);
            },
            &metrics_) {
    show_build(metrics_, build_info());
    daemon::log_flags_without_effect(flags, log_);
    warn_of_limits({.apiserver = true}, log_);
    daemon::wait_for(part_.executor(), [this] { return part_->serve(); }, &signals);
    const std::string url = fmt::format("https://{}:{}", reachable(options.serving.bind_address), part_->https->port());
    dir_.write_kubeconfigs(url);
    files_.emplace("files", clock_, [this](Executor& executor) {
      auto scope = std::make_unique<Scope>(executor);
      scope->spawn(follow_certificates());
      if (!options_.authorization.config_file.empty()) scope->spawn(follow_authorization());
      scope->spawn(follow_authentication());
      return scope;
    });
    log_.info("serving", "url", url, "version", kVersion, "store", options.store);
    daemon::say(fmt::format("ready: {}, kubeconfigs in {}", url, options.data_dir));
  }

  void stop() {
    log_.info("stopping");
    files_.reset();
    // Watches are told to end first, so that their connections can.
    daemon::wait_for(part_.executor(), [this] { return part_->server->stop(); });
    part_->https->stop(kGrace);
  }

 private:
  static std::vector<std::string> names(const ApiServerProgramOptions& options) {
    std::vector<std::string> out;
    for (const std::string& address : {options.serving.bind_address, options.advertise_address}) {
      if (!address.empty() && address != "0.0.0.0" && address != "::") out.push_back(address);
    }
    if (const std::string own = net::primary_address(); options.serving.bind_address == "0.0.0.0" && !own.empty())
      out.push_back(own);
    return out;
  }

  // What is not given by flags is the data directory's.
  net::TlsServerOptions tls() const {
    const auto file_or = [](const std::string& path, const std::string& own) {
      if (path.empty()) return own;
      auto text = daemon::read_file(path);
      if (!text) throw daemon::FileError(fmt::format("there is no file {}", path));
      return *text;
    };
    const daemon::ServingOptions& serving = options_.serving;
    const daemon::ClusterKeys& keys = dir_.keys();
    if (serving.tls_cert_file.empty() != serving.tls_private_key_file.empty()) {
      throw daemon::FlagError("--tls-cert-file and --tls-private-key-file go together");
    }
    return {.cert_pem = file_or(serving.tls_cert_file, keys.server.cert_pem),
            .key_pem = file_or(serving.tls_private_key_file, keys.server.key_pem),
            .client_ca_pem = file_or(serving.client_ca_file, keys.ca.cert_pem),
            .tls13_only = serving.tls_min_version == "VersionTLS13",
            .proxy_ca_pem = file_or(options_.authentication.request_header_ca_file, "")};
  }

  ApiServerOptions component_options(const daemon::FlagSet& flags) {
    const daemon::ClusterKeys& keys = dir_.keys();
    ApiServerOptions out;
    out.bind_address = options_.serving.bind_address;
    out.secure_port = options_.serving.secure_port;
    out.advertise_address = options_.advertise_address;
    out.store = options_.store;
    out.store_path = dir_.store_path().string();
    out.tls = shown_ = tls();
    out.server = options_.server;
    out.standard = options_.standard;
    out.standard.change_authorization = change_authorization_;
    out.audit = options_.audit;
    out.encryption = options_.encryption;
    out.encryption_text = options_.encryption_text;
    if (options_.encryption_reload) out.encryption_file = options_.encryption_file;
    out.goaway_chance = options_.goaway_chance;
    if (out.standard.service_account_key.empty()) out.standard.service_account_key = keys.service_account_key;
    out.standard.client_ca = shown_.client_ca_pem;
    out.kubelets = kubelets();
    out.metrics_server = options_.metrics_server;
    out.pages = apiserver_pages([&flags] { return daemon::flag_values(flags); }, clock_);
    return out;
  }

  KubeletClientOptions kubelets() {
    const auto must = [](const std::string& path) {
      auto text = daemon::read_file(path);
      if (!text) throw daemon::FileError(fmt::format("there is no file {}", path));
      return *text;
    };
    KubeletClientOptions out{.io = &io_, .credential = {}, .ca_pem = {}, .address_types = options_.kubelet_address_types};
    out.credential = options_.kubelet_certificate_file.empty()
                         ? dir_.client_credential("kube-apiserver-kubelet-client", {"system:masters"})
                         : net::Credential{must(options_.kubelet_certificate_file), must(options_.kubelet_key_file)};
    if (!options_.kubelet_ca_file.empty()) out.ca_pem = must(options_.kubelet_ca_file);
    return out;
  }

  void publish_trust() {
    apiserver::AuthenticationTrust trust{shown_.client_ca_pem, options_.authentication.front_proxy};
    trust.front_proxy.ca_pem = shown_.proxy_ca_pem;
    part_.executor().post([this, trust = std::move(trust)]() mutable { part_->publish(std::move(trust)); });
  }

  // The authentication configuration, as its file changes. One that does not hold leaves the last good one in force.
  Task<void> follow_authentication() {
    AuthenticationFlags& flags = options_.authentication;
    for (;;) {
      co_await sleep_for(kLookAgain);
      if (flags.config_file.empty()) co_return;
      try {
        std::optional<std::string> text = daemon::read_file(flags.config_file);
        if (!text || *text == flags.config_text) continue;
        flags.config_text = std::move(*text);  // what is wrong with it is said once
        options_.standard.authentication.configuration->set(read_configuration(flags, flags.config_text));
        reloads_.told("success", clock_.now());
        log_.info("reloaded authentication config", "file", flags.config_file);
      } catch (const std::exception& error) {
        reloads_.told("failure", clock_.now());
        log_.error("failed to reload authentication config: the last good one stays in force", "file", flags.config_file, "err",
                   error.what());
      }
    }
  }

  Task<void> follow_certificates() {
    for (;;) {
      co_await sleep_for(kLookAgain);
      try {
        net::TlsServerOptions now = tls();
        if (now.cert_pem == shown_.cert_pem && now.key_pem == shown_.key_pem && now.client_ca_pem == shown_.client_ca_pem &&
            now.proxy_ca_pem == shown_.proxy_ca_pem) {
          continue;
        }
        part_->https->set_certificate(now);
        const bool same_trust = now.client_ca_pem == shown_.client_ca_pem && now.proxy_ca_pem == shown_.proxy_ca_pem;
        shown_ = std::move(now);
        log_.info("new certificates are shown");
        if (!same_trust) publish_trust();
      } catch (const std::exception& error) {
        log_.error("a certificate cannot be read; the last good one stays in use", "err", error.what());
      }
    }
  }

  // The configuration's file as it is now; what is wrong with it leaves those in place who are asked.
  Task<void> follow_authorization() {
    std::optional<std::string> seen = daemon::read_file(options_.authorization.config_file);
    for (;;) {
      co_await sleep_for(kLookAgain);
      try {
        auto text = daemon::read_file(options_.authorization.config_file);
        if (!text || text == seen) continue;
        seen = std::move(text);
        change_authorization(read_authorization_config(*seen));
        log_.info("reloaded authz config");
      } catch (const std::exception& error) {
        log_.error("the authorization configuration cannot be used; the last good one stays in use", "err", error.what());
      }
    }
  }

  void change_authorization(apiserver::AuthorizerConfigs next) {
    if (const std::string why = apiserver::reload_problem(options_.standard.authorization, next); !why.empty()) {
      throw std::runtime_error(why);
    }
    daemon::run_on(part_.executor(), [&] { (*change_authorization_)(std::move(next)); });
  }

  ApiServerProgramOptions& options_;
  const SystemClock clock_;
  SystemRng rng_;
  const Log log_;
  daemon::DataDir dir_;
  Metrics metrics_;
  const ReloadMetrics reloads_{&metrics_};
  net::IoThreads io_;
  NodeLogs no_nodes_;
  net::TlsServerOptions shown_;
  const std::shared_ptr<std::function<void(apiserver::AuthorizerConfigs)>> change_authorization_ =
      std::make_shared<std::function<void(apiserver::AuthorizerConfigs)>>();
  daemon::Part<ApiServerComponent> part_;
  std::optional<daemon::Part<Scope>> files_;
};

}  // namespace

int apiserver_program(const std::string& program, std::span<const std::string> args) {
  ApiServerProgramOptions options;
  daemon::FlagSet flags(program);
  add_flags(flags, options);
  return daemon::run_program(program, kVersion, flags, args, [&] {
    daemon::Signals signals;
    SystemRng rng;
    harden(flags, options, rng);
    resolve(options);
    try {
      Program running(options, flags, signals);
      signals.wait();
      running.stop();
    } catch (const daemon::Interrupted&) {
      // Before it was ready: nobody has been served.
    }
    return 0;
  });
}

}  // namespace ph::pilothouse
