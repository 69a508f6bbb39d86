// LeaseElection: competes for a Lease, and tells the daemon when it leads and when it no longer does.
//
// The decisions are Elector's (election/elector.h); this runs them: requests, timers, a watch on the one Lease. It belongs to
// an executor of its own, so that nothing a loop does can delay a renewal: a daemon makes, starts, stops and destroys it on a
// ThreadExecutor named "election", and gives it connections that nobody else uses.
//
//   auto leadership = std::make_shared<Leadership>();
//   LeaseElection election({.executor = thread, .rng = rng, .log = log, .leadership = leadership,
//                           .identity = election_identity(hostname, rng), .component = "kube-controller-manager",
//                           .user_agent = "kube-controller-manager/v1.36", .connect = [&] { return …; }},
//                          options,
//                          {.on = loops_thread, .started_leading = [&] { host.start(); },
//                           .stopped_leading = [&] { host.stop(); }, .new_leader = {}});
//   election.start();
//
// A connection that has gone silent without being closed (half-open) costs one attempt: each request is given
// ElectionOptions::attempt_timeout(), then it is dropped and the next one leaves on a connection newly made by `connect`,
// well before the renew deadline. For net::https_transport set `connect_timeout` to attempt_timeout(), and `ping_after` and
// `ping_timeout` to retry_period: then a standby's silent watch, too, is noticed within two retry periods.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/executor.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "base/task.h"
#include "base/transport.h"
#include "election/leadership.h"
#include "election/options.h"

namespace ph::election {

struct ElectionParts {
  Executor& executor;  // of the election alone
  Rng& rng;
  Log log;
  std::shared_ptr<Leadership> leadership;  // is kept up to date; shared with guarded transports
  std::string identity;                    // what the lease will say; must differ from every other candidate's
  std::string component;                   // source.component of the events, e.g. "kube-controller-manager"
  std::string user_agent;
  // Makes a connection for requests on `executor`; called there, first by `start`, and again whenever a connection has
  // failed. Throws what it likes: that is a failed attempt.
  std::function<std::unique_ptr<Transport>()> connect;
  Metrics* metrics = nullptr;  // shows election/metrics.h, by the resource name; may be null
};

// Called on `on`, one at a time, in the order of what happened; the functions may be empty, and must not throw. `on` runs
// until `stop` has ended.
struct ElectionCallbacks {
  Executor* on = nullptr;
  // A term begins: the daemon may work.
  std::function<void()> started_leading;
  // The term has ended, or is about to be given up. When this returns, nothing of the term's work may run any more: only
  // then does the election release the lease, or compete again.
  std::function<void()> stopped_leading;
  // Another holder, or this one, has been seen on the lease.
  std::function<void(std::string identity)> new_leader;
};

// Counted since the start. Threads: of the election.
struct ElectionStats {
  std::uint64_t requests = 0;    // gets, creates and updates of the lease
  std::uint64_t renewals = 0;    // updates that extended a term
  std::uint64_t slow_paths = 0;  // renewals that had to read the lease first (leader_election_slowpath_total)
  std::uint64_t abandoned = 0;   // requests that took too long
  std::uint64_t connections = 0;
  std::uint64_t terms = 0;
};

class LeaseElection {
 public:
  // Throws std::invalid_argument when the options cannot be used. All that `parts` and `callbacks` refer to must outlive the
  // election.
  LeaseElection(ElectionParts parts, ElectionOptions options, ElectionCallbacks callbacks);
  // Ends at once, as a crash would: a lease that is held is left to expire, and no callback is called any more.
  ~LeaseElection();

  // Begins to compete. Call once.
  void start();

  // Ends the term (stopped_leading is called and waited for; the lease is renewed meanwhile), then releases the lease. The
  // task ends when the lease is released, or has proved impossible to release within the renew deadline. Call once.
  Task<void> stop();

  ElectionStats stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ph::election
