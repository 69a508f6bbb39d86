#include "pilothouse/up.h"

#include <cstdio>

#include <fmt/format.h>

#include "daemon/program.h"
#include "pilothouse/control_plane.h"
#include "pilothouse/limits.h"
#include "pilothouse/manager_component.h"
#include "pilothouse/version.h"

namespace ph::pilothouse {
namespace {

void say(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

int up(UpOptions options) {
  daemon::Signals signals;
  const SystemClock clock;
  SystemRng rng;
  const Steady began = clock.steady();
  const Log log(stderr_sink(), options.log_level);
  say(fmt::format("pilothouse {}, data in {}\n", kVersion, options.data_dir.string()));
  try {
    ControlPlane plane(options, clock, rng, log);
    warn_of_limits({.apiserver = options.runs("apiserver"),
                    .loops = options.runs("controller-manager"),
                    .scheduler = options.runs("scheduler")},
                   log);
    if (options.runs("controller-manager")) tell_of_idle_loops(options.controllers, log);
    try {
      plane.start(
          [&](std::string_view part, std::string_view detail) {
            say(fmt::format("  {:<20}{:<52}{:>7.3f} s\n", part, detail, seconds(clock.steady() - began)));
          },
          signals);
      if (options.runs("apiserver")) {
        say(fmt::format(
            "ready after {:.3f} s. In another shell:\n\n    export KUBECONFIG={}\n    kubectl get nodes\n\nCtrl-C ends it.\n",
            seconds(clock.steady() - began), plane.data_dir().admin_kubeconfig().string()));
      }
      signals.wait();
    } catch (const daemon::Interrupted&) {
      // Somebody has had enough of waiting, for a server that does not answer perhaps.
    }
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
