#include "daemon/program.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <system_error>

#include <fmt/format.h>

#include "base/allocator.h"
#include "daemon/files.h"

namespace ph::daemon {

Signals::Signals(std::function<void()> on_hangup) : on_hangup_(std::move(on_hangup)) {
  sigemptyset(&end_);
  sigaddset(&end_, SIGINT);
  sigaddset(&end_, SIGTERM);
  set_ = end_;
  if (on_hangup_) sigaddset(&set_, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  signals_ = ::signalfd(-1, &end_, SFD_CLOEXEC);
  woken_ = ::eventfd(0, EFD_CLOEXEC);
  if (signals_ < 0 || woken_ < 0) throw std::system_error(errno, std::generic_category(), "signals");
}

Signals::~Signals() {
  ::close(signals_);
  ::close(woken_);
}

void Signals::wait() {
  int signal = SIGHUP;
  while (sigwait(&set_, &signal) == 0 && signal == SIGHUP) on_hangup_();
  heard();
}

bool Signals::wait_or_woken() {
  pollfd both[] = {{.fd = signals_, .events = POLLIN, .revents = 0}, {.fd = woken_, .events = POLLIN, .revents = 0}};
  while (::poll(both, 2, -1) < 0 && errno == EINTR) {
  }
  if (both[0].revents != 0) {
    wait();  // it is pending
    return false;
  }
  std::uint64_t times = 0;
  return ::read(woken_, &times, sizeof times) == sizeof times;
}

void Signals::wake() {
  const std::uint64_t once = 1;
  [[maybe_unused]] const auto written = ::write(woken_, &once, sizeof once);  // fails only where it is woken already
}

void Signals::heard() { pthread_sigmask(SIG_UNBLOCK, &end_, nullptr); }

void raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);  // where it fails, the old one stays
}

int run_program(const std::string& program, const std::string& version, FlagSet& flags, std::span<const std::string> args,
                const std::function<int()>& run) {
  settle_allocator();
  keep_files_private();
  raise_file_limit();
  try {
    switch (flags.parse(args)) {
      case FlagSet::Asked::Help: std::fputs(flags.help().c_str(), stdout); return 0;
      case FlagSet::Asked::Version: say(fmt::format("Kubernetes {}", version)); return 0;
      case FlagSet::Asked::Run: return run();
    }
  } catch (const FlagError& error) {
    std::fflush(stdout);
    fmt::print(stderr, "{}: {}\n{} --help lists the flags\n", program, error.what(), program);
  } catch (const std::exception& error) {
    std::fflush(stdout);
    fmt::print(stderr, "{}: {}\n", program, error.what());
  }
  return 1;
}

std::vector<std::string> arguments(int argc, const char* const* argv) {
  return argc < 1 ? std::vector<std::string>() : std::vector<std::string>(argv + 1, argv + argc);
}

std::string host_name() {
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) != 0 || !*name) return "localhost";
  return name;
}

void say(const std::string& line) {
  std::fputs((line + "\n").c_str(), stdout);
  std::fflush(stdout);
}

}  // namespace ph::daemon
