#include "pilothouse/audit.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "daemon/files.h"
#include "daemon/kubeconfig.h"
#include "net/outbound.h"
#include "pilothouse/webhooks.h"

namespace ph::pilothouse {
namespace {

namespace audit = apiserver::audit;

constexpr std::string_view kVersion = "audit.k8s.io/v1";
constexpr Duration kSendMax = 30s;

audit::Policy policy_of(const AuditOptions& options, std::vector<std::string>& complaints) {
  const auto text = daemon::read_file(options.policy_file);
  if (!text) throw std::invalid_argument(fmt::format("failed to read file path \"{}\": no such file", options.policy_file));
  return audit::read_policy(*text, complaints);
}

audit::BatchOptions batch_of(const AuditOptions::Batch& batch, Counter errors) {
  return {.buffer = static_cast<std::size_t>(batch.buffer),
          .batch_max = static_cast<std::size_t>(batch.max_size),
          .wait_max = batch.max_wait,
          .throttled = batch.throttled,
          .per_second = batch.qps,
          .burst = batch.burst,
          .errors = errors};
}

audit::Truncation truncation_of(const AuditOptions::Truncate& truncate) {
  return {truncate.enabled, static_cast<std::size_t>(truncate.max_event), static_cast<std::size_t>(truncate.max_batch)};
}

std::unique_ptr<audit::Backend> log_of(const AuditOptions& options, Executor& executor, const Log& log, Metrics* metrics) {
  AuditFileOptions file{.path = options.log_path,
                        .bytes_max = static_cast<std::size_t>(options.log_maxsize == 0 ? 100 : options.log_maxsize) << 20,
                        .days_max = options.log_maxage,
                        .files_max = options.log_maxbackup,
                        .compress = options.log_compress};
  audit::LogOptions how{.legacy = options.log_format == "legacy",
                        .strict = options.log_mode == "blocking-strict",
                        .truncation = truncation_of(options.log_truncate),
                        .errors = audit::errors_of(metrics, "log")};
  auto backend = audit::log_backend(audit_file(std::move(file), executor.clock(), executor, log), how, log);
  if (options.log_mode != "batch") return backend;
  return audit::batched(executor, batch_of(options.log_batch, audit::errors_of(metrics, "buffered<log>")), std::move(backend),
                        log);
}

std::unique_ptr<audit::Backend> webhook_of(const AuditOptions& options, Executor& executor, net::IoThreads& io, Rng& rng,
                                           const Log& log, Metrics* metrics) {
  const daemon::ClientConfig config = daemon::load_kubeconfig(options.webhook_config_file);
  if (config.skip_verify) {
    throw std::invalid_argument(
        "--audit-webhook-config-file: insecure-skip-tls-verify is not supported: who listens must be known");
  }
  const apiserver::WebhookBackend backend = backend_of(config);
  net::OutboundOptions to;
  to.url = backend.address.url;
  to.user_agent = "kube-apiserver-audit";
  to.timeout = kSendMax;
  to.tls = tls_of(backend.address);
  audit::WebhookOptions how;
  const auto scheme = to.url.find("://");
  how.host = to.url.substr(scheme == std::string::npos ? 0 : scheme + 3);
  how.target = backend.path;
  how.token = backend.token;
  how.initial_backoff = options.webhook_initial_backoff;
  how.batch = batch_of(options.webhook_batch, audit::errors_of(metrics, "buffered<webhook>"));
  how.truncation = truncation_of(options.webhook_truncate);
  how.errors = audit::errors_of(metrics, "webhook");
  return audit::webhook_backend(executor, rng, net::outbound_transport(io, executor, std::move(to)), std::move(how), log);
}

// Upstream: apiserver/pkg/server/options/audit.go
void check_batch(std::string_view name, const AuditOptions::Batch& batch, std::vector<std::string>& problems) {
  if (batch.buffer <= 0)
    problems.push_back(fmt::format("invalid audit batch {} buffer size {}, must be a positive number", name, batch.buffer));
  if (batch.max_size <= 0) {
    problems.push_back(fmt::format("invalid audit batch {} max batch size {}, must be a positive number", name, batch.max_size));
  }
  if (!batch.throttled) return;
  if (batch.qps <= 0)
    problems.push_back(fmt::format("invalid audit batch {} throttle QPS {}, must be a positive number", name, batch.qps));
  if (batch.burst <= 0) {
    problems.push_back(fmt::format("invalid audit batch {} throttle burst {}, must be a positive number", name, batch.burst));
  }
}

void check_truncation(std::string_view name, const AuditOptions::Truncate& truncate, std::vector<std::string>& problems) {
  if (truncate.enabled && (truncate.max_event <= 0 || truncate.max_batch < truncate.max_event)) {
    problems.push_back(fmt::format("invalid audit truncate {} max batch size {}, must be greater than max event size ({})", name,
                                   truncate.max_batch, truncate.max_event));
  }
}

void check_log(const AuditOptions& options, std::vector<std::string>& problems) {
  if (options.log_mode != "batch" && options.log_mode != "blocking" && options.log_mode != "blocking-strict") {
    problems.push_back(
        fmt::format("invalid audit log mode {}, allowed modes are \"batch,blocking,blocking-strict\"", options.log_mode));
  }
  if (options.log_format != "json" && options.log_format != "legacy") {
    problems.push_back(fmt::format("invalid audit log format {}, allowed formats are \"legacy,json\"", options.log_format));
  }
  if (options.log_version != kVersion) problems.push_back(fmt::format("--audit-log-version: only {} is supported", kVersion));
  if (options.log_maxage < 0)
    problems.push_back(fmt::format("--audit-log-maxage {} can't be a negative number", options.log_maxage));
  if (options.log_maxbackup < 0) {
    problems.push_back(fmt::format("--audit-log-maxbackup {} can't be a negative number", options.log_maxbackup));
  }
  if (options.log_maxsize < 0) {
    problems.push_back(fmt::format("--audit-log-maxsize {} can't be a negative number", options.log_maxsize));
  }
  if (options.log_mode == "batch") check_batch("log", options.log_batch, problems);
  check_truncation("log", options.log_truncate, problems);
}

void check_webhook(const AuditOptions& options, std::vector<std::string>& problems) {
  if (options.webhook_mode != "batch") {
    problems.push_back(
        fmt::format("--audit-webhook-mode: {} is not supported: no request waits for a webhook of the audit; use batch",
                    options.webhook_mode));
  }
  if (options.webhook_version != kVersion) {
    problems.push_back(fmt::format("--audit-webhook-version: only {} is supported", kVersion));
  }
  check_batch("webhook", options.webhook_batch, problems);
  check_truncation("webhook", options.webhook_truncate, problems);
}

}  // namespace

std::vector<std::string> audit_problems(const AuditOptions& options) {
  std::vector<std::string> problems;
  if (!options.log_path.empty()) check_log(options, problems);
  if (!options.webhook_config_file.empty()) check_webhook(options, problems);
  if (options.policy_file.empty()) return problems;
  try {
    std::vector<std::string> complaints;
    (void)policy_of(options, complaints);
  } catch (const std::exception& error) {
    problems.push_back(fmt::format("loading audit policy file: {}", error.what()));
  }
  return problems;
}

bool has_audit(const AuditOptions& options) {
  return !options.policy_file.empty() && !(options.log_path.empty() && options.webhook_config_file.empty());
}

std::unique_ptr<audit::Auditor> make_auditor(const AuditOptions& options, Executor& executor, net::IoThreads& io, Rng& rng,
                                             const Log& log, Metrics* metrics) {
  std::vector<std::string> complaints;
  audit::Policy policy = policy_of(options, complaints);
  if (!complaints.empty()) {
    log.warning("Audit policy contains errors, falling back to lenient decoding", "err",
                fmt::format("{}", fmt::join(complaints, ", ")));
  }
  std::vector<std::unique_ptr<audit::Backend>> backends;
  if (!options.log_path.empty()) backends.push_back(log_of(options, executor, log, metrics));
  if (!options.webhook_config_file.empty()) backends.push_back(webhook_of(options, executor, io, rng, log, metrics));
  return std::make_unique<audit::Auditor>(std::move(policy), std::move(backends), metrics);
}

}  // namespace ph::pilothouse
