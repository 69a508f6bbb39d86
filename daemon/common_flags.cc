#include "daemon/common_flags.h"

#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "daemon/feature_gates.h"

namespace ph::daemon {
namespace {

using enum Standing;

constexpr InertFlag kServing[] = {
    {"disable-http2-serving", "bool", "false", NoEffect, "clients choose between HTTP/2 and HTTP/1.1"},
    {"http2-max-streams-per-connection", "int", "0", NoEffect, "250 streams may be open on a connection"},
    {"permit-address-sharing", "bool", "false", Refused, "an address belongs to one program"},
    {"permit-port-sharing", "bool", "false", Refused, "a port belongs to one program"},
    {"tls-cipher-suites", "strings", "[]", NoEffect, "TLS 1.3's suites, and of TLS 1.2 those HTTP/2 allows, are in use"},
    {"tls-curve-preferences", "int32Slice", "[]", NoEffect, "OpenSSL's order is in use"},
    {"tls-sni-cert-key", "namedCertKey", "[]", Refused, "one certificate serves all names"},
};

constexpr InertFlag kMetrics[] = {
    {"allow-metric-labels", "stringToString", "[]", NoEffect, "all label values are shown"},
    {"allow-metric-labels-manifest", "string", "", NoEffect, "all label values are shown"},
    {"disabled-metrics", "strings", "[]", NoEffect, "all metrics are shown"},
    {"show-hidden-metrics-for-version", "string", "", NoEffect, "no metrics are hidden"},
};

constexpr InertFlag kLogs[] = {
    {"log-flush-frequency", "duration", "5s", NoEffect, "each line is written at once"},
    {"log-json-info-buffer-size", "quantity", "", NoEffect, "each line is written at once"},
    {"log-json-split-stream", "bool", "false", NoEffect, "all lines go to standard error"},
    {"log-text-info-buffer-size", "quantity", "", NoEffect, "each line is written at once"},
    {"log-text-split-stream", "bool", "false", NoEffect, "all lines go to standard error"},
    {"vmodule", "pattern=N,...", "", NoEffect, "levels are not set by file"},
};

constexpr InertFlag kVersions[] = {
    {"emulated-version", "strings", "[]", Refused, "v1.36 is the version there is"},
    {"min-compatibility-version", "strings", "[]", Refused, "v1.36 is the version there is"},
};

int level_of(const std::string& text) {
  if (text.empty()) return 0;
  int level = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), level);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size() || level < 0) {
    throw FlagError(fmt::format("invalid argument \"{}\" for \"-v, --v\" flag: not a number", text));
  }
  return level;
}

}  // namespace

Log make_log(const LogOptions& options) {
  if (options.format != "text" && options.format != "json") {
    throw FlagError(fmt::format("--logging-format: unsupported log format: \"{}\" (text or json)", options.format));
  }
  const LogLevel least = level_of(options.verbosity) >= 4 ? LogLevel::Debug : LogLevel::Info;
  return Log(stderr_sink(options.format == "json" ? LogFormat::Json : LogFormat::Text), least);
}

void add_inert_serving_flags(FlagSet& flags) { flags.add(kServing); }

void add_serving_flags(FlagSet& flags, ServingOptions& options) {
  flags.section("Secure serving");
  flags.add("bind-address", options.bind_address, "The address to listen on; all of them by default").typed("ip");
  flags.add("secure-port", options.secure_port, "The port for HTTPS with authentication and authorization; 0 serves nothing");
  flags.add("cert-dir", options.cert_dir, "Where a self-made certificate is kept; in memory when empty");
  flags.add("tls-cert-file", options.tls_cert_file, "The certificate to show, with its chain; looked at again every ten seconds");
  flags.add("tls-private-key-file", options.tls_private_key_file, "Its key");
  flags.add("tls-min-version", options.tls_min_version, "VersionTLS12 or VersionTLS13");
  add_inert_serving_flags(flags);
  flags.section("Authentication");
  flags.add("authentication-kubeconfig", options.authentication_kubeconfig,
            "Which apiserver to ask about tokens; a pod's own by default, else only client certificates are believed");
  flags.add("authentication-skip-lookup", options.authentication_skip_lookup, "Does not look up the cluster's client authority");
  flags.add("authentication-token-webhook-cache-ttl", options.token_cache_ttl, "How long an answer about a token is kept");
  flags.add("authentication-tolerate-lookup-failure", options.authentication_tolerate_lookup_failure,
            "A failed look-up is tried again in either case");
  flags.add("client-ca-file", options.client_ca_file, "Whose client certificates are believed");
  flags.add("requestheader-allowed-names", options.proxy.allowed_names,
            "Common names of front proxies' certificates; any when empty");
  flags.add("requestheader-client-ca-file", options.proxy_ca_file,
            "Whose certificates are front proxies'; what the cluster publishes by default, with the names of headers");
  flags.add("requestheader-extra-headers-prefix", options.proxy.extra_prefixes, "How headers begin that say more of a user");
  flags.add("requestheader-group-headers", options.proxy.group_headers, "Headers with a user's groups");
  flags.add("requestheader-uid-headers", options.proxy.uid_headers, "Headers with a user's UID");
  flags.add("requestheader-username-headers", options.proxy.username_headers, "Headers with a user's name");
  flags.section("Authorization");
  flags.add("authorization-always-allow-paths", options.always_allow_paths, "Paths that everybody may read");
  flags.add("authorization-kubeconfig", options.authorization_kubeconfig, "Which apiserver to ask who may do what");
  flags.add("authorization-webhook-cache-authorized-ttl", options.authorized_cache_ttl, "How long a yes is kept");
  flags.add("authorization-webhook-cache-unauthorized-ttl", options.unauthorized_cache_ttl, "How long a no is kept");
}

void add_election_flags(FlagSet& flags, election::ElectionOptions& options) {
  flags.add("leader-elect", options.leader_elect, "Works only while it holds the lease");
  flags.add("leader-elect-lease-duration", options.lease_duration, "How long others leave a lease alone that is not renewed");
  flags.add("leader-elect-renew-deadline", options.renew_deadline, "How long the leader tries to renew before it stops leading");
  flags.add("leader-elect-resource-lock", options.resource_lock, "The kind of lock: leases");
  flags.add("leader-elect-resource-name", options.resource_name, "The lease's name");
  flags.add("leader-elect-resource-namespace", options.resource_namespace, "The lease's namespace");
  flags.add("leader-elect-retry-period", options.retry_period, "How long to wait between tries");
}

void add_log_flags(FlagSet& flags, LogOptions& options) {
  flags.section("Logs");
  flags.add("logging-format", options.format, "text or json");
  flags.add("v", options.verbosity, "Level: 0 what happens, 4 and more everything").typed("Level");
  flags.shorthand('v', "v");
  flags.add(kLogs);
}

void add_metrics_flags(FlagSet& flags) {
  flags.section("Metrics");
  flags.add(kMetrics);
}

void add_gate_flags(FlagSet& flags, std::map<std::string, std::string>& gates) {
  flags.section("Feature gate");
  flags.add("feature-gates", gates, "A=true,B=false,…: v1.36's gates, at their defaults but for MaxUnavailableStatefulSet")
      .typed("colonSeparatedMultimapStringString");
  flags.add(kVersions);
}

void log_flags_without_effect(const FlagSet& flags, const Log& log) {
  for (const FlagSet::Flag* flag : flags.flags()) {
    if (flag->given && flag->standing == Standing::NoEffect)
      log.warning("a flag without effect", "flag", flag->name, "why", flag->why);
  }
}

void refuse(const std::vector<std::string>& problems) {
  if (problems.empty()) return;
  if (problems.size() == 1) throw FlagError(problems.front());
  throw FlagError(fmt::format("[{}]", fmt::join(problems, ", ")));
}

void check(const ServingOptions& options) {
  std::vector<std::string> out;
  if (options.secure_port < 0 || options.secure_port > 65535) {
    out.push_back(fmt::format("--secure-port {} must be between 0 and 65535, inclusive. 0 for turning off secure port",
                              options.secure_port));
  }
  if (!options.tls_min_version.empty() && options.tls_min_version != "VersionTLS12" &&
      options.tls_min_version != "VersionTLS13") {
    out.push_back(
        fmt::format("unknown tls version \"{}\": VersionTLS12 and VersionTLS13 are supported", options.tls_min_version));
  }
  refuse(out);
}

void check(const election::ElectionOptions& options) { refuse(election::problems(options)); }

void check_gates(const std::map<std::string, std::string>& gates) { refuse(feature_gate_problems(gates)); }

}  // namespace ph::daemon
