#include "pilothouse/flags/apiserver.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "apiserver/admission/admission.h"
#include "apiserver/authn/static_tokens.h"
#include "apiserver/registry/ip_range.h"
#include "daemon/feature_gates.h"
#include "daemon/files.h"
#include "pilothouse/flags/audit.h"
#include "pilothouse/flags/inert.h"
#include "pilothouse/metrics_server.h"

namespace ph::pilothouse {
namespace {

using enum daemon::Standing;

constexpr daemon::InertFlag kDiffers[] = {
    {"allow-privileged", "bool", "false", NoEffect, "privileged containers are always allowed"},
    {"cert-dir", "string", "/var/run/kubernetes", NoEffect, "certificates are kept in --data-dir"},
    {"runtime-config", "mapStringString", "", Refused, "the GA versions are served, and no others"},
};

// The admission plugins that are here: all, or those on by default.
std::string plugins(bool on_by_default) {
  std::vector<std::string_view> names;
  for (const apiserver::AdmissionEntry& entry : apiserver::admission_entries()) {
    if (entry.on_by_default || !on_by_default) names.push_back(entry.name);
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string must_read(const char* flag, const std::string& path) {
  auto text = daemon::read_file(path);
  if (!text) throw daemon::FileError(fmt::format("--{}: there is no file {}", flag, path));
  return *text;
}

void read_service_range(ApiServerProgramOptions& options) {
  if (options.service_cidr.empty()) return;
  try {
    apiserver::IpRange::parse_all(options.service_cidr);
    options.server.service_cidr = options.service_cidr;
  } catch (const std::invalid_argument& error) {
    throw daemon::FlagError(fmt::format("--service-cluster-ip-range: {}", error.what()));
  }
}

void read_node_ports(ApiServerProgramOptions& options) {
  const std::string& text = options.node_ports;
  const char* end = text.data() + text.size();
  int low = 0, high = 0;
  const auto first = std::from_chars(text.data(), end, low);
  const bool good = first.ec == std::errc() && first.ptr != end && *first.ptr == '-' &&
                    std::from_chars(first.ptr + 1, end, high).ptr == end && 0 < low && low <= high && high < 65536;
  if (!good)
    throw daemon::FlagError(
        fmt::format("invalid argument \"{}\" for \"--service-node-port-range\" flag: not a range such as 30000-32767", text));
  options.server.node_port_min = low;
  options.server.node_port_max = high;
}

// Files that it names are beside it, unless their paths are whole.
void read_admission(ApiServerProgramOptions& options) {
  if (options.admission_config_file.empty()) return;
  const char* flag = "admission-control-config-file";
  const std::filesystem::path folder = std::filesystem::absolute(options.admission_config_file).parent_path();
  try {
    options.standard.admission_configurations = apiserver::read_admission_configuration(
        must_read(flag, options.admission_config_file),
        [&](const std::string& path) { return must_read(flag, (folder / path).string()); });
  } catch (const apiserver::AdmissionConfigurationError& error) {
    throw daemon::FlagError(fmt::format("--{}: {}: {}", flag, options.admission_config_file, error.what()));
  }
}

void read_encryption(ApiServerProgramOptions& options) {
  if (options.encryption_reload && options.encryption_file.empty()) {
    throw daemon::FlagError("--encryption-provider-config-automatic-reload must be set with --encryption-provider-config");
  }
  if (options.encryption_file.empty()) return;
  try {
    options.encryption_text = must_read("encryption-provider-config", options.encryption_file);
    options.encryption = apiserver::encryption::read_configuration(options.encryption_text);
  } catch (const std::invalid_argument& error) {
    throw daemon::FlagError(fmt::format("--encryption-provider-config: {}: {}", options.encryption_file, error.what()));
  }
}

}  // namespace

std::filesystem::path default_data_dir() {
  if (const char* data = std::getenv("XDG_DATA_HOME"); data && *data) return std::filesystem::path(data) / "pilothouse";
  if (const char* home = std::getenv("HOME"); home && *home) return std::filesystem::path(home) / ".local/share/pilothouse";
  return "pilothouse-data";
}

std::filesystem::path data_dir_of(const ApiServerProgramOptions& options) {
  return std::filesystem::absolute(options.data_dir.empty() ? default_data_dir() : std::filesystem::path(options.data_dir))
      .lexically_normal();
}

void add_flags(daemon::FlagSet& flags, ApiServerProgramOptions& options) {
  flags.section("Storage");
  flags.add("data-dir", options.data_dir,
            "Where everything is kept: objects, keys, kubeconfigs; ~/.local/share/pilothouse by default");
  flags.add("store", options.store, "What holds the objects: rocksdb, or memory (gone at the end)");
  flags.add("encryption-provider-config", options.encryption_file,
            "Which objects are stored encrypted, and with which keys: an EncryptionConfiguration of apiserver.config.k8s.io/v1");
  flags.add("encryption-provider-config-automatic-reload", options.encryption_reload,
            "Whether that file is read anew when it changes; one that is no good leaves the last good one in force");
  flags.section("Secure serving");
  flags.add("bind-address", options.serving.bind_address, "The address to listen on; all of them by default").typed("ip");
  flags.add("secure-port", options.serving.secure_port, "The port; 0 takes any free one");
  flags.add("tls-cert-file", options.serving.tls_cert_file,
            "The certificate to show, with its chain; without it the data directory's");
  flags.add("tls-private-key-file", options.serving.tls_private_key_file, "Its key");
  flags.add("tls-min-version", options.serving.tls_min_version, "VersionTLS12 or VersionTLS13");
  daemon::add_inert_serving_flags(flags);
  flags.section("Generic");
  flags.add("hardened", options.hardened,
            "Flags that are not given say what the CIS Kubernetes Benchmark asks, as `pilothouse cis` checks it; what they name "
            "is made "
            "in the data directory");
  flags.add("advertise-address", options.advertise_address, "Where pods find the server").typed("ip");
  flags.add("request-timeout", options.server.request_timeout,
            "How long a request may take that says nothing else, and a client to send one or to take something of its answer");
  flags
      .add("goaway-chance", options.goaway_chance,
           "How often a client is asked, with an answer over HTTP/2, to go on over another connection: 0 to 0.02")
      .typed("float");
  flags.add("max-requests-inflight", options.server.max_requests,
            "Requests that are worked on at once; with the next one, the seats that priority levels have their shares of");
  flags.add("max-mutating-requests-inflight", options.server.max_writes, "… and writes besides");
  flags.add("min-request-timeout", options.min_request_timeout_s, "Seconds a watch lives at least; up to twice this, at random");
  flags.add("crd-ignore-cel", options.server.crd_ignore_cel,
            "Custom resource definitions may have rules in CEL, which are stored and not carried out; else they are refused");
  flags.add("event-ttl", options.server.event_ttl, "How long events are kept");
  flags.add("service-cluster-ip-range", options.service_cidr,
            "Addresses of services: a range, or one of each family with a comma between them; 10.96.0.0/12 by default");
  flags.add("service-node-port-range", options.node_ports, "Ports of NodePort services").typed("portRange");
  flags.add(
      "io-threads", options.io_threads,
      fmt::format("Threads for sockets, TLS, framing and the rendering of large bodies, 1 to {}; one a processor by default",
                  kIoThreadsMax));
  flags.section("Authentication");
  options.authentication.anonymous =
      &flags.add("anonymous-auth", options.standard.anonymous,
                 "Requests without credentials are system:anonymous, instead of refused; never with AlwaysAllow");
  add_flags(flags, options.authentication);
  flags.add("api-audiences", options.standard.api_audiences, "Audiences of tokens for this server; the issuer by default");
  flags.add("client-ca-file", options.serving.client_ca_file,
            "Whose client certificates are believed; the data directory's authority by default");
  flags.add("service-account-extend-token-expiration", options.standard.extend_token_expiration,
            "Injected tokens are good for a year");
  flags
      .add_array("service-account-issuer", options.service_account_issuers,
                 "Who issues tokens; https://kubernetes.default.svc.cluster.local by default")
      .default_value = "";
  flags
      .add_array("service-account-key-file", options.service_account_key_files,
                 "Keys whose tokens are good, besides the signing one")
      .default_value = "";
  flags.add("service-account-signing-key-file", options.service_account_signing_key_file,
            "What signs tokens; the data directory's key by default");
  flags.add("token-auth-file", options.token_auth_file, "Static tokens: lines of token, user, uid, and groups in quotes");
  add_authorization_flags(flags, options.authorization);
  flags.section("Admission");
  flags.add("enable-admission-plugins", options.standard.enable_admission,
            fmt::format("Plugins to run besides those on by default ({}); there are: {}", plugins(true), plugins(false)));
  flags.add("disable-admission-plugins", options.standard.disable_admission, "Plugins to leave out, of those on by default");
  flags.add("admission-control-config-file", options.admission_config_file,
            "A file with an AdmissionConfiguration (apiserver.config.k8s.io/v1): what EventRateLimit, ImagePolicyWebhook, "
            "PodNodeSelector and PodTolerationRestriction are to do");
  flags.add("enable-aggregator-routing", options.standard.webhooks_at_endpoints,
            "Webhooks that are named as services are called at the services' endpoints, not at their cluster addresses");
  add_audit_flags(flags, options.audit);
  flags.section("Kubelets");
  flags.add("kubelet-certificate-authority", options.kubelet_ca_file, "Whose kubelet certificates are believed; any by default");
  flags.add("kubelet-client-certificate", options.kubelet_certificate_file,
            "What is shown to kubelets; one of the data directory's authority by default");
  flags.add("kubelet-client-key", options.kubelet_key_file, "Its key");
  flags.add("kubelet-preferred-address-types", options.kubelet_address_types, "Which of a node's addresses to use, best first");
  flags.add("metrics-server", options.metrics_server,
            "Who serves metrics.k8s.io, as https://HOST:PORT: the port of ph-node. It is shown what kubelets are shown; by "
            "default nobody");
  flags.section("Other");
  flags.add(kDiffers);
  flags.add(inert_apiserver_flags());
  daemon::add_gate_flags(flags, options.gates);
  daemon::add_metrics_flags(flags);
  daemon::add_log_flags(flags, options.log);
}

void resolve(ApiServerProgramOptions& options) {
  daemon::check(options.serving);
  daemon::check_gates(options.gates);
  options.server.stateful_set_max_unavailable = daemon::is_on(options.gates, daemon::kMaxUnavailableStatefulSet);
  daemon::refuse(audit_problems(options.audit));
  daemon::refuse(apiserver::admission_problems(options.standard.enable_admission, options.standard.disable_admission));
  if (options.store != "rocksdb" && options.store != "memory") {
    throw daemon::FlagError(fmt::format("--store: {} is neither rocksdb nor memory", options.store));
  }
  options.data_dir = data_dir_of(options).string();
  read_service_range(options);
  if (options.server.request_timeout <= Duration::zero()) throw daemon::FlagError("--request-timeout: must be greater than zero");
  if (options.goaway_chance < 0 || options.goaway_chance > 0.02) {
    throw daemon::FlagError("--goaway-chance can not be less than 0 or greater than 0.02");
  }
  if (options.server.max_requests < 0) throw daemon::FlagError("--max-requests-inflight can not be negative value");
  if (options.server.max_writes < 0) throw daemon::FlagError("--max-mutating-requests-inflight can not be negative value");
  if (options.server.max_requests + options.server.max_writes <= 0) {
    throw daemon::FlagError("--max-requests-inflight and --max-mutating-requests-inflight: one of them must be positive");
  }
  if (options.min_request_timeout_s < 0) throw daemon::FlagError("--min-request-timeout can not be negative value");
  options.server.watch_timeout_min = std::chrono::seconds(options.min_request_timeout_s);
  if (options.io_threads < 1 || options.io_threads > kIoThreadsMax) {
    throw daemon::FlagError(fmt::format("--io-threads: {} is not between 1 and {}", options.io_threads, kIoThreadsMax));
  }
  read_node_ports(options);
  read_admission(options);
  options.standard.authorization = read_authorization(options.authorization);
  options.standard.abac_policies = read_policies(options.authorization);
  if (options.service_account_issuers.size() > 1) throw daemon::FlagError("--service-account-issuer: one issuer is supported");
  if (!options.service_account_issuers.empty()) options.standard.service_account_issuer = options.service_account_issuers.front();
  if (!options.service_account_signing_key_file.empty()) {
    options.standard.service_account_key =
        must_read("service-account-signing-key-file", options.service_account_signing_key_file);
  }
  read_encryption(options);
  if (!options.token_auth_file.empty()) {
    options.standard.static_tokens = must_read("token-auth-file", options.token_auth_file);
    const auto tokens = apiserver::StaticTokens::parse(options.standard.static_tokens);
    if (!tokens) throw daemon::FlagError(fmt::format("--token-auth-file: {}: {}", options.token_auth_file, tokens.error()));
  }
  options.authentication.own_issuers = options.service_account_issuers;
  if (options.authentication.own_issuers.empty()) {
    options.authentication.own_issuers = {"https://kubernetes.default.svc." + options.server.cluster_domain};
  }
  options.standard.authentication = resolve(options.authentication);
  for (const std::string& file : options.service_account_key_files) {
    options.standard.more_service_account_keys.push_back(must_read("service-account-key-file", file));
  }
  if (!options.metrics_server.empty() && !is_metrics_url(options.metrics_server))
    throw daemon::FlagError(fmt::format("--metrics-server: \"{}\" is not https://HOST:PORT", options.metrics_server));
  if (options.kubelet_certificate_file.empty() != options.kubelet_key_file.empty()) {
    throw daemon::FlagError("--kubelet-client-certificate and --kubelet-client-key go together");
  }
}

}  // namespace ph::pilothouse
