// Elector: what a candidate does about a lease, as a state machine without I/O, clock or threads. LeaseElection runs it;
// tests/election/transcripts shows it at work. The protocol is that of client-go's leader election:
//
//   - A lease is left alone until it has been seen unchanged for the duration it names, on this process' steady clock. Its
//     own times are never believed: clocks of other machines may say anything.
//   - Every change of the lease names the resourceVersion it was made from; of several candidates one wins.
//   - A leader renews every retry period, first on what it knows of the lease, then (when that has changed) on what it reads.
//
// Where it differs, on purpose:
//   - A leader stops when `renew_deadline` has passed since the *sending* of its last renewal that succeeded, so that it has
//     always stopped before anybody's wait for `lease_duration` can end.
//   - A leader that sees another term on the lease stops at once, and does not wait for the deadline. After a loss it stays,
//     and competes again once the daemon has ended the term's work.
//   - Whoever begins to lead raises leaseTransitions, also when the lease still names it: no two terms have the same fence.
//   - A standby is told of changes (by a watch) besides asking every retry period, and wakes when the wait ends.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/fence.h"
#include "base/rng.h"
#include "base/time.h"
#include "coordination/v1.pb.h"

namespace ph::election {

struct Moment {
  Steady steady;
  Time wall;  // only for the record
};

struct ElectorConfig {
  ObjectKey lease;
  std::string identity;
  Duration lease_duration, renew_deadline, retry_period;
  Duration attempt_timeout;  // of one request
  bool release = true;       // at the stop
};

// What is to be done, in order.
struct Act {
  enum class Kind {
    // One request is under way at a time; its answer goes into `answered`.
    Get,
    Create,     // of `lease`
    Update,     // to `lease`, which names the resourceVersion it was made from
    Release,    // an update, too
    Abandon,    // drop the request that is under way: there will be no answer. The connection is not to be trusted.
    Begin,      // leading, with `lease`, certainly until `until`; or to go on leading with another lease (it was deleted)
    Extend,     // certainly until `until`
    Doubt,      // leading, but nothing is certain before the next Begin or Extend
    End,        // no longer leading: `text` says why. When the work has ended, `ended` is to be called.
    NewLeader,  // `text` holds the lease
    Finished,   // after `stop`: nothing more will come
  };
  Kind kind;
  coordination::v1::Lease lease;
  Steady until;
  std::string text;
};
using Acts = std::vector<Act>;

enum class Answer { Ok, NotFound, Conflict, Error };

class Elector {
 public:
  using Lease = coordination::v1::Lease;

  // `rng` spreads the retries of candidates; it must outlive the elector.
  Elector(ElectorConfig config, Rng& rng);

  // Once, first.
  Acts start(Moment now);
  // The time of `wake_at` has come; too early or too late is fine.
  Acts wake(Moment now);
  // Of the request under way. `lease`: with Ok, what is stored. Conflict: it is there already, or it is another version.
  Acts answered(Moment now, Answer answer, const Lease* lease = nullptr);
  // A watch has shown this; it may be older than what is known.
  Acts observed(Moment now, const Lease& lease);
  Acts observed_gone(Moment now);
  // The work of the term has ended, after End.
  Acts ended(Moment now);
  // Ends the term (End), after whose `ended` the lease is released; Finished is the last.
  Acts stop(Moment now);

  // When `wake` is wanted; changes with every call.
  std::optional<Steady> wake_at() const;
  bool leading() const { return phase_ == Phase::Leading; }
  // Reads of the lease that a renewal needed.
  std::uint64_t slow_paths() const { return slow_paths_; }

 private:
  enum class Phase { Idle, Standby, Leading, Ending, Releasing, Finished };
  enum class Asked { Nothing, Get, Create, Update, Release };

  // The lease is ours to renew: leading, or ending by our own choice.
  bool holds() const { return phase_ == Phase::Leading || (phase_ == Phase::Ending && holding_); }
  bool free_to_take(Moment now) const;
  std::optional<Steady> expiry() const;

  void ask(Moment now, Asked what, Lease lease, Acts& acts);
  void begin_try(Moment now, Acts& acts);
  void read_first(Moment now, Acts& acts);
  void judge(Moment now, Acts& acts);
  void create(Moment now, Acts& acts);
  void answered_release(Moment now, Asked asked, Answer answer, Acts& acts);
  void won(Moment now, Acts& acts);
  void try_failed(Moment now);
  void schedule_standby(Moment now);
  void see(Moment now, const Lease& lease, Acts& acts);
  void see_none();
  bool past_deadline(Moment now, Acts& acts);
  void lose(std::string why, Acts& acts);
  void abandon(Acts& acts);
  void release(Moment now, Acts& acts);
  void finish(Acts& acts);

  Lease fresh(Moment now) const;
  Lease renewed(Moment now) const;
  Lease taken(Moment now) const;
  Lease released(Moment now) const;

  const ElectorConfig config_;
  Rng& rng_;

  Phase phase_ = Phase::Idle;
  bool stopping_ = false;
  bool holding_ = false;     // in Ending: the lease is still ours
  bool work_ended_ = false;  // in Ending: only the answer of a renewal is waited for
  bool suspicious_ = false;  // a watch has shown another term while a renewal was under way

  // What is known of the lease. Nothing is known at first; it may be known to be absent.
  std::optional<Lease> record_;
  bool absent_ = false;
  Steady seen_at_{};  // since when its spec has not changed
  std::string reported_;

  api::Fence term_;    // while `holds()`
  Steady deadline_{};  // then: when leading ends, if nothing is renewed. In Releasing: when to give up.

  Asked asked_ = Asked::Nothing;
  Steady sent_{};  // when it was
  Steady try_began_{};
  bool read_ = false;  // this try has read the lease
  Steady next_try_{};
  std::uint64_t slow_paths_ = 0;
};

// A name for people and transcripts: "get", "create", …
std::string_view name_of(Act::Kind kind);

}  // namespace ph::election
