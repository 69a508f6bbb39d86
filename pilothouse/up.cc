#include "pilothouse/up.h"

#include <csignal>
#include <cstdio>

#include <fmt/format.h>

#include "pilothouse/control_plane.h"
#include "pilothouse/version.h"

namespace ph::pilothouse {
namespace {

void say(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

// Blocked before any thread starts, so that all inherit it and only `wait` sees the signals.
class Signals {
 public:
  Signals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGINT);
    sigaddset(&set_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
  }
  void wait() const {
    int signal = 0;
    sigwait(&set_, &signal);
  }
  // From now on a second signal ends the process at once.
  void unblock() const { pthread_sigmask(SIG_UNBLOCK, &set_, nullptr); }

 private:
  sigset_t set_;
};

}  // namespace

int up(UpOptions options) {
  const Signals signals;
  const SystemClock clock;
  SystemRng rng;
  const Steady began = clock.steady();
  const Log log(stderr_sink(), options.log_level);
  say(fmt::format("pilothouse {}, data in {}\n", kVersion, options.data_dir.string()));
  try {
    ControlPlane plane(options, clock, rng, log);
    plane.start([&](std::string_view part, std::string_view detail) {
      say(fmt::format("  {:<20}{:<52}{:>7.3f} s\n", part, detail, seconds(clock.steady() - began)));
    });
    if (options.runs("apiserver")) {
      say(fmt::format("ready after {:.3f} s. In another shell:\n\n    export KUBECONFIG={}\n    kubectl get nodes\n\nCtrl-C ends it.\n",
                      seconds(clock.steady() - began), plane.data_dir().admin_kubeconfig().string()));
    }
    signals.wait();
    signals.unblock();
    say("stopping\n");
    plane.stop();
    return 0;
  } catch (const std::exception& error) {
    std::fflush(stdout);
    fmt::print(stderr, "pilothouse: {}\n", error.what());
    return 1;
  }
}

}  // namespace ph::pilothouse
