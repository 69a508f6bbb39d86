#include "pilothouse/flags/hardened.h"

#include <algorithm>
#include <filesystem>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "daemon/data_dir.h"
#include "daemon/files.h"
#include "net/encoding.h"

namespace ph::pilothouse {
namespace {

namespace fs = std::filesystem;

struct Preset {
  const char* flag;
  const char* value;
};

constexpr Preset kApiServer[] = {
    {"anonymous-auth", "false"},         {"audit-log-maxage", "30"}, {"audit-log-maxbackup", "10"},
    {"audit-log-maxsize", "100"},        {"profiling", "false"},     {"service-account-extend-token-expiration", "false"},
    {"tls-min-version", "VersionTLS12"},
};

constexpr const char* kPlugins[] = {"NodeRestriction", "AlwaysPullImages", "EventRateLimit", "DenyServiceExternalIPs"};

constexpr Preset kControllerManager[] = {
    {"bind-address", "127.0.0.1"},
    {"profiling", "false"},
    {"tls-min-version", "VersionTLS12"},
    {"use-service-account-credentials", "true"},
};

constexpr Preset kScheduler[] = {
    {"bind-address", "127.0.0.1"},
    {"profiling", "false"},
    {"tls-min-version", "VersionTLS12"},
};

void preset(daemon::FlagSet& flags, std::span<const Preset> presets) {
  for (const Preset& each : presets) flags.preset(each.flag, each.value);
}

// One that is disabled is not enabled as well, which would be refused.
void preset_plugins(daemon::FlagSet& flags, const std::vector<std::string>& disabled) {
  std::vector<std::string> out;
  for (const char* plugin : kPlugins) {
    if (std::ranges::find(disabled, plugin) == disabled.end()) out.emplace_back(plugin);
  }
  flags.preset("enable-admission-plugins", fmt::format("{}", fmt::join(out, ",")));
}

// A file of the data directory that a flag names, unless it is given; `content` makes it when it is not there.
template <class Content>
void preset_file(daemon::FlagSet& flags, const char* flag, const fs::path& file, Content&& content) {
  if (flags.given(flag)) return;
  if (!daemon::read_file(file)) daemon::write_file(file, content(), true);
  flags.preset(flag, file.string());
}

constexpr char kAuditPolicy[] = R"(# Who asked for what, and with what outcome, of everything but health checks; no bodies.
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  nonResourceURLs: ["/healthz*", "/livez*", "/readyz*"]
- level: Metadata
)";

// Well above what a busy cluster writes.
constexpr char kAdmission[] = R"(# How many events may be written a second: by all, and into one namespace.
apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
- name: EventRateLimit
  configuration:
    apiVersion: eventratelimit.admission.k8s.io/v1alpha1
    kind: Configuration
    limits:
    - {type: Server, qps: 1000, burst: 5000}
    - {type: Namespace, qps: 200, burst: 1000}
)";

// Secrets that were stored before stay readable, until they are written again.
std::string encryption(Rng& rng) {
  std::string key;
  for (int i = 0; i < 4; ++i) {
    const std::uint64_t bits = rng.next();
    for (int byte = 0; byte < 8; ++byte) key.push_back(static_cast<char>(bits >> (8 * byte) & 0xff));
  }
  return fmt::format(R"(# What secrets are stored with. Whoever loses this key loses them.
apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets]
  providers:
  - secretbox: {{keys: [{{name: key1, secret: {}}}]}}
  - identity: {{}}
)",
                     net::base64(key));
}

}  // namespace

void harden(daemon::FlagSet& flags, ApiServerProgramOptions& options, Rng& rng) {
  if (!options.hardened) return;
  const fs::path data = options.data_dir = data_dir_of(options).string();
  daemon::open_data_dir(data, {});
  const fs::path own = data / "hardened";
  daemon::make_directory(own);
  preset(flags, kApiServer);
  preset_plugins(flags, options.standard.disable_admission);
  preset_file(flags, "audit-policy-file", own / "audit-policy.yaml", [] { return kAuditPolicy; });
  preset_file(flags, "admission-control-config-file", own / "admission.yaml", [] { return kAdmission; });
  preset_file(flags, "encryption-provider-config", data / "pki" / "encryption.yaml", [&rng] { return encryption(rng); });
  flags.preset("audit-log-path", (own / "audit.log").string());
  flags.preset("kubelet-certificate-authority", (data / "pki" / "ca.crt").string());
}

void harden(daemon::FlagSet& flags, const ControllerManagerOptions& options) {
  if (!options.hardened) return;
  preset(flags, kControllerManager);
  if (options.access.kubeconfig.empty()) return;
  const fs::path pki = fs::absolute(options.access.kubeconfig).parent_path() / "pki";
  const std::pair<const char*, const char*> keys[] = {{"service-account-private-key-file", "sa.key"}, {"root-ca-file", "ca.crt"}};
  for (const auto& [flag, file] : keys) {
    if (daemon::file_facts(pki / file)) flags.preset(flag, (pki / file).string());
  }
}

void harden(daemon::FlagSet& flags, const SchedulerOptions& options) {
  if (options.hardened) preset(flags, kScheduler);
}

}  // namespace ph::pilothouse
