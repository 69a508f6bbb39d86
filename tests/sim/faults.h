// What goes wrong in a simulated cluster, on purpose: between a simulated process and the apiserver, with the process itself,
// and with the clock. docs/simulation.md says what each fault means.
//
// Faults come from random streams of their own, one for each process: the same seed gives the same faults.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/rng.h"
#include "base/sync.h"
#include "base/transport.h"
#include "tests/sim/executor.h"

namespace ph::sim {

// Probabilities are for each request (a write, a read, or the beginning of a watch) unless said otherwise; zero: never.
struct Faults {
  // -- Requests
  double lost_request = 0;   // not carried out; the client sees a TransportError, maybe after a while
  double lost_response = 0;  // carried out; the client sees a TransportError
  double broken_answer = 0;  // carried out; the client sees 500
  double too_many = 0;       // not carried out: 429 with Retry-After
  double unavailable = 0;    // not carried out: 503
  double delayed = 0;        // both ways, each on its own: requests and answers overtake each other
  Duration delay_most = 400ms;
  double slow = 0;  // the answer takes long
  Duration slow_most = 15s;
  double late_request = 0;  // of writes: the client sees a TransportError, and the request is carried out afterwards
  Duration late_most = 5s;

  // -- Watches: for each event
  double stalled = 0;  // it and all that follow come later: the cache is stale
  Duration stall_most = 10s;
  double repeated = 0;  // the last one to three events come once more
  double cut = 0;       // the stream breaks before it, or within it
  double expired = 0;   // an ERROR event with 410 instead of it: everything is read again
  // … and for each watch
  double short_lived = 0;  // it breaks within a minute, whatever comes

  // -- The loops' process, for each of its writes: it ends at that very point, and starts again later with empty caches
  double crash_before_write = 0;
  double crash_after_write = 0;
  Duration restart_most = 20s;

  // -- The loops' process, exactly, so that a test can go through all there is
  std::uint64_t crash_at_write = 0;  // the so many-th, from 1; zero: never
  bool crash_once_written = false;   // not before it is carried out, but after
  std::size_t watch_lag = 0;         // each watch holds back the last so many events, until none has come for `lag_most`
  Duration lag_most = 3s;

  // -- The loops' process and the clock: mean time between two, zero: never
  Duration crash_every{};           // at any moment
  Duration lost_lease_every{};      // the loops stop, and start again with warm caches
  Duration second_manager_every{};  // a second one runs beside the first for a while, and neither knows
  Duration cut_off_every{};         // a process reaches the server no more, for up to `cut_off_most`
  Duration cut_off_most = 25s;      // longer than a lease
  Duration clock_jump_every{};      // the wall clock, by up to `clock_jump_most`, either way
  Duration clock_jump_most = 2min;

  bool for_nodes = false;  // the hollow nodes' requests and watches suffer too

  bool any() const;
  // Each kind is left out half of the time, or made up to four times as frequent as here. Seeds then differ in kind: some have
  // many of one fault, which hides behind the others where there is a little of everything.
  Faults mixed(Rng& rng) const;
};

Faults none();
// A little of everything but late requests and second managers, which break what one manager can promise.
Faults all();

// What was injected, and what rare paths were reached, each by name and counted.
struct Tally {
  std::map<std::string, std::uint64_t> faults, rare;
  std::uint64_t writes = 0;      // requests of the processes that faults may meet, other than reads
  std::uint64_t reconciles = 0;  // of the loops
  void add(const Tally& more);
};

// A simulated process' way to the server. Belongs to the simulation's executor; must outlive the transports it made, and what
// those were made of must outlive it.
class FaultLink {
 public:
  struct Hooks {
    std::function<void()> crash;                   // the process ends: now, before any of its tasks runs again
    std::function<void(const std::string&)> note;  // a fault, in words, for the history
  };
  FaultLink(SimExecutor& executor, const Faults& faults, std::uint64_t seed, Tally& tally, Hooks hooks);
  ~FaultLink();

  std::unique_ptr<Transport> wrap(std::unique_ptr<Transport> inner);
  // Nothing goes wrong before `on`, nor after `off`; what was delayed still comes.
  void on() { on_ = true; }
  void off();
  // For so long nothing comes through, in either direction. Half of the time requests fail at once; else nobody is told.
  void cut_off(Duration lasting);
  // For the faults of the process as a whole.
  Rng& rng() { return rng_; }

 private:
  friend class FaultTransport;
  friend class FaultStream;
  bool happens(double probability) { return on_ && rng_.fraction() < probability; }
  Duration up_to(Duration most);
  // Resumes when the process reaches the server.
  Task<void> wait_connected();
  // Of a request or an answer on its way: goes on at once while the process reaches the server, and else fails, sooner or later.
  Task<void> pass();
  void count(const char* kind) { ++tally_.faults[kind]; }
  void crash_at(const std::string& where);
  // Whether the process is to end at this write.
  bool is_the_one(bool writes) {
    if (!on_ || !writes) return false;
    ++tally_.writes;
    return ++writes_ == faults_.crash_at_write;
  }

  SimExecutor& executor_;
  const Faults faults_;
  SeededRng rng_;
  Tally& tally_;
  const Hooks hooks_;
  std::uint64_t writes_ = 0;
  bool on_ = false;
  bool cut_off_ = false, silent_ = false;
  TimerId cut_off_timer_ = 0;
  Event connected_;  // while not cut off
  Scope network_;    // requests that are carried out whether or not their sender lives
};

}  // namespace ph::sim
