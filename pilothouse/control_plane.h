// A whole control plane in one process: the components and the threads they run on.
//
// The apiserver, the loops, the scheduler and the hollow nodes have a thread each; two more carry sockets and TLS, and the
// store has its writer. The components talk to the apiserver directly, as the users whose credentials they would carry.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/log.h"
#include "base/rng.h"
#include "base/time.h"
#include "daemon/data_dir.h"
#include "daemon/program.h"
#include "pilothouse/options.h"

namespace ph::pilothouse {

class ControlPlane {
 public:
  // Called as each part becomes ready: its name and a few words. Threads: the one that called `start`.
  using Progress = std::function<void(std::string_view part, std::string_view detail)>;

  // `log` and `rng` must be usable from any thread.
  ControlPlane(UpOptions options, const Clock& clock, Rng& rng, Log log);
  // Stops what still runs.
  ~ControlPlane();

  // Starts the components in order; returns when all are ready. Throws with words for a person: port in use, directory
  // locked, no permission, bad configuration; daemon::Interrupted when a signal comes first. Blocks the calling thread.
  void start(const Progress& progress, daemon::Signals& signals);

  // Ends the components in reverse order: watches get their end, requests under way are answered, the store is synced.
  void stop();

  const daemon::DataDir& data_dir() const;
  std::string url() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ph::pilothouse
