#include "pilothouse/flags/audit.h"

namespace ph::pilothouse {
namespace {

void add_batch(daemon::FlagSet& flags, const std::string& prefix, AuditOptions::Batch& batch) {
  flags.add(prefix + "-batch-buffer-size", batch.buffer,
            "Events that wait in batch mode; those that come when it is full are lost");
  flags.add(prefix + "-batch-max-size", batch.max_size, "Events of a batch");
  flags.add(prefix + "-batch-max-wait", batch.max_wait, "How long a batch waits for more");
  flags.add(prefix + "-batch-throttle-burst", batch.burst, "Batches at once, after a pause");
  flags.add(prefix + "-batch-throttle-enable", batch.throttled, "Whether batches have a limit of their number");
  flags.add(prefix + "-batch-throttle-qps", batch.qps, "Batches a second").typed("float32");
}

void add_truncation(daemon::FlagSet& flags, const std::string& prefix, AuditOptions::Truncate& truncate) {
  flags.add(prefix + "-truncate-enabled", truncate.enabled, "Large events lose their objects, larger ones are left out");
  flags.add(prefix + "-truncate-max-batch-size", truncate.max_batch, "Bytes of a batch");
  flags.add(prefix + "-truncate-max-event-size", truncate.max_event, "Bytes of an event");
}

}  // namespace

void add_audit_flags(daemon::FlagSet& flags, AuditOptions& options) {
  flags.section("Auditing");
  flags.add("audit-policy-file", options.policy_file, "What is audited, and how much of it: a Policy of audit.k8s.io/v1");
  flags.add("audit-log-path", options.log_path, "The file events are written to; '-' is standard output");
  flags.add("audit-log-format", options.log_format, "json: a line an event; legacy: a line of words");
  flags.add(
      "audit-log-mode", options.log_mode,
      "blocking: written before the answer is sent; blocking-strict: a request whose coming cannot be written is refused; batch: "
      "written when there is time");
  flags.add("audit-log-version", options.log_version, "audit.k8s.io/v1");
  flags.add("audit-log-maxsize", options.log_maxsize, "Megabytes of the file; then a new one begins");
  flags.add("audit-log-maxage", options.log_maxage, "Days that old files are kept");
  flags.add("audit-log-maxbackup", options.log_maxbackup, "How many of them are kept; 0: all");
  flags.add("audit-log-compress", options.log_compress, "Old files are compressed with gzip");
  add_batch(flags, "audit-log", options.log_batch);
  add_truncation(flags, "audit-log", options.log_truncate);
  flags.add("audit-webhook-config-file", options.webhook_config_file, "A kubeconfig that says who is sent the events");
  flags.add("audit-webhook-mode", options.webhook_mode, "batch, and nothing else: no request waits for a webhook");
  flags.add("audit-webhook-version", options.webhook_version, "audit.k8s.io/v1");
  flags.add("audit-webhook-initial-backoff", options.webhook_initial_backoff, "The wait before a batch is sent a second time");
  add_batch(flags, "audit-webhook", options.webhook_batch);
  add_truncation(flags, "audit-webhook", options.webhook_truncate);
}

}  // namespace ph::pilothouse
