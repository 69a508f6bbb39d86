// What a process is known by: what it is built from, and what the operating system says of it.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/metrics.h"

namespace ph {

// What the operating system says of a process.
struct ProcessSample {
  double cpu_seconds = 0;  // user and system
  double start_time = 0;   // seconds since 1970
  double resident_bytes = 0, virtual_bytes = 0;
  double open_fds = 0, max_fds = 0;
};

// Nothing when it cannot be told.
using ReadProcess = std::function<std::optional<ProcessSample>()>;

// Reads /proc/self. Threads: any.
std::optional<ProcessSample> read_own_process();

// The process_* metrics of every Prometheus client, read before each scrape. Belongs to `executor`.
class ProcessMetrics {
 public:
  ProcessMetrics(Metrics& metrics, Executor& executor, ReadProcess read);

 private:
  void show() const;

  const ReadProcess read_;
  const Total cpu_seconds_;
  const Gauge start_time_, resident_bytes_, virtual_bytes_, open_fds_, max_fds_;
  ScrapeHook hook_;
};

// The members of kubernetes_build_info; what there is none of stays empty.
struct BuildInfo {
  std::string git_version, git_commit, git_tree_state, build_date, major, minor, compiler, platform;
};
void show_build(Metrics& metrics, const BuildInfo& build);

}  // namespace ph
