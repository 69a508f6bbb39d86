#include "base/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <vector>

namespace ph {
namespace {

std::string read_whole(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// When the machine started, in seconds since 1970: the line "btime N" of /proc/stat.
std::optional<double> boot_time() {
  std::istringstream lines(read_whole("/proc/stat"));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("btime ")) return std::stod(line.substr(6));
  }
  return std::nullopt;
}

double count_open_files() {
  std::error_code error;
  const std::filesystem::directory_iterator files("/proc/self/fd", error);
  if (error) return 0;
  return static_cast<double>(std::distance(begin(files), end(files))) - 1;  // without the one that looks
}

}  // namespace

std::optional<ProcessSample> read_own_process() {
  // The name of the process stands in parentheses and may hold anything; the fields after it are plain. See proc(5).
  const std::string stat = read_whole("/proc/self/stat");
  const auto name_end = stat.rfind(')');
  const auto boot = boot_time();
  if (name_end == std::string::npos || !boot) return std::nullopt;
  std::istringstream rest(stat.substr(name_end + 1));
  const std::vector<std::string> fields{std::istream_iterator<std::string>(rest), {}};
  constexpr std::size_t kUser = 11, kSystem = 12, kStart = 19, kVirtual = 20, kResident = 21;  // from the state on
  if (fields.size() <= kResident) return std::nullopt;
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));

  ProcessSample out;
  out.cpu_seconds = (std::stod(fields[kUser]) + std::stod(fields[kSystem])) / ticks;
  out.start_time = *boot + std::stod(fields[kStart]) / ticks;
  out.virtual_bytes = std::stod(fields[kVirtual]);
  out.resident_bytes = std::stod(fields[kResident]) * static_cast<double>(sysconf(_SC_PAGESIZE));
  out.open_fds = count_open_files();
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) out.max_fds = static_cast<double>(files.rlim_cur);
  return out;
}

ProcessMetrics::ProcessMetrics(Metrics& metrics, Executor& executor, ReadProcess read)
    : read_(std::move(read)),
      cpu_seconds_(
          single<Total>(&metrics, {Stability::None, "process_cpu_seconds_total", "Processor time of the process, in seconds."})),
      start_time_(single<Gauge>(
          &metrics, {Stability::None, "process_start_time_seconds", "When the process started, in seconds since 1970."})),
      resident_bytes_(
          single<Gauge>(&metrics, {Stability::None, "process_resident_memory_bytes", "Memory of the process that is resident."})),
      virtual_bytes_(
          single<Gauge>(&metrics, {Stability::None, "process_virtual_memory_bytes", "Memory that the process may address."})),
      open_fds_(single<Gauge>(&metrics, {Stability::None, "process_open_fds", "Files and sockets that are open."})),
      max_fds_(single<Gauge>(&metrics, {Stability::None, "process_max_fds", "Files and sockets that may be open."})),
      hook_(metrics.on_scrape(executor, [this] { show(); })) {
  show();
}

void ProcessMetrics::show() const {
  const auto sample = read_();
  if (!sample) return;
  cpu_seconds_.set(sample->cpu_seconds);
  start_time_.set(sample->start_time);
  resident_bytes_.set(sample->resident_bytes);
  virtual_bytes_.set(sample->virtual_bytes);
  open_fds_.set(sample->open_fds);
  max_fds_.set(sample->max_fds);
}

void show_build(Metrics& metrics, const BuildInfo& build) {
  const Family<Gauge> family(&metrics, {Stability::Beta,
                                        "kubernetes_build_info",
                                        "What this program is built from; always 1.",
                                        {"build_date", "compiler", "git_commit", "git_tree_state", "git_version", "go_version",
                                         "major", "minor", "platform"}});
  family
      .with({build.build_date, build.compiler, build.git_commit, build.git_tree_state, build.git_version, "", build.major,
             build.minor, build.platform})
      .set(1);
}

}  // namespace ph
