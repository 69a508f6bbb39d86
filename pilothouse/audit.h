// Auditing as the apiserver's flags ask for it: policy, log file, webhook.
#pragma once

#include <memory>
#include <string>

#include "apiserver/audit/auditor.h"
#include "apiserver/audit/batching.h"
#include "apiserver/audit/webhook_backend.h"
#include "base/rng.h"
#include "net/event_loop.h"
#include "pilothouse/audit_file.h"

namespace ph::pilothouse {

struct AuditOptions {
  std::string policy_file;  // empty: nothing is audited

  std::string log_path;               // empty: there is no log; "-": standard output
  std::string log_format = "json";    // or legacy
  std::string log_mode = "blocking";  // or blocking-strict, batch
  std::string log_version = "audit.k8s.io/v1";
  int log_maxsize = 100, log_maxage = 366, log_maxbackup = 100;  // MB, days, files
  bool log_compress = false;

  std::string webhook_config_file;  // a kubeconfig; empty: there is no webhook
  std::string webhook_mode = "batch";
  std::string webhook_version = "audit.k8s.io/v1";
  Duration webhook_initial_backoff = std::chrono::seconds(10);

  // As flags say it.
  struct Batch {
    int buffer = 10000, max_size = 1, burst = 0;
    Duration max_wait{};
    bool throttled = false;
    double qps = 0;
  };
  struct Truncate {
    bool enabled = false;
    int max_batch = 10485760, max_event = 102400;
  };
  Batch log_batch, webhook_batch{10000, 400, 15, std::chrono::seconds(30), true, 10};
  Truncate log_truncate, webhook_truncate;
};

// What is wrong with them, in words for whoever set the flags; empty: nothing. Reads the policy.
std::vector<std::string> audit_problems(const AuditOptions& options);

// Whether there is something to audit, and somewhere to write it.
bool has_audit(const AuditOptions& options);

// Of options that have. It lives on `executor`, on which it is destroyed. Throws
// std::exception for what cannot be read or opened. The references outlive it. `metrics`: null: nothing is counted.
std::unique_ptr<apiserver::audit::Auditor> make_auditor(const AuditOptions& options, Executor& executor, net::IoThreads& io,
                                                        Rng& rng, const Log& log, Metrics* metrics);

}  // namespace ph::pilothouse
