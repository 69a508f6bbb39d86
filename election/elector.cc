#include "election/elector.h"

#include <algorithm>
#include <limits>

#include "api/codec.h"
#include "api/times.h"
#include "base/assert.h"

namespace ph::election {
namespace {

using coordination::v1::Lease;

// client-go's: a wait of up to 2.2 retry periods.
constexpr double kJitter = 1.2;

// Whether two states of the lease are the same as far as a candidate's patience goes. Labels and annotations are not its
// business; another object of the same name is.
bool same_record(const Lease& a, const Lease& b) {
  return a.metadata().uid() == b.metadata().uid() && api::encode_protobuf(a.spec()) == api::encode_protobuf(b.spec());
}

std::int32_t next_transition(std::int32_t transitions) {
  return transitions == std::numeric_limits<std::int32_t>::max() ? 0 : transitions + 1;
}

}  // namespace

Elector::Elector(ElectorConfig config, Rng& rng) : config_(std::move(config)), rng_(rng) {}

// -- What is written

Lease Elector::fresh(Moment now) const {
  Lease lease;
  lease.mutable_metadata()->set_namespace_(config_.lease.namespace_name);
  lease.mutable_metadata()->set_name(config_.lease.name);
  auto& spec = *lease.mutable_spec();
  spec.set_lease_transitions(0);
  api::set_time(spec.mutable_acquire_time(), now.wall);
  api::set_time(spec.mutable_renew_time(), now.wall);
  spec.set_holder_identity(config_.identity);
  spec.set_lease_duration_seconds(static_cast<std::int32_t>(config_.lease_duration / 1s));
  return lease;
}

// The others keep what is not the elector's: labels, strategy, preferredHolder.
Lease Elector::renewed(Moment now) const {
  Lease lease = *record_;
  auto& spec = *lease.mutable_spec();
  spec.set_holder_identity(config_.identity);
  spec.set_lease_duration_seconds(static_cast<std::int32_t>(config_.lease_duration / 1s));
  api::set_time(spec.mutable_renew_time(), now.wall);
  return lease;
}

Lease Elector::taken(Moment now) const {
  Lease lease = renewed(now);
  auto& spec = *lease.mutable_spec();
  api::set_time(spec.mutable_acquire_time(), now.wall);
  spec.set_lease_transitions(next_transition(spec.lease_transitions()));
  return lease;
}

Lease Elector::released(Moment now) const {
  Lease lease = *record_;
  auto& spec = *lease.mutable_spec();
  spec.set_holder_identity("");
  spec.set_lease_duration_seconds(1);
  api::set_time(spec.mutable_acquire_time(), now.wall);
  api::set_time(spec.mutable_renew_time(), now.wall);
  return lease;
}

// -- What is known

void Elector::see(Moment now, const Lease& lease, Acts& acts) {
  if (!record_ || !same_record(*record_, lease)) seen_at_ = now.steady;
  record_ = lease;
  absent_ = false;
  const std::string& holder = lease.spec().holder_identity();
  if (holder == reported_) return;
  reported_ = holder;
  if (!holder.empty()) acts.push_back({Act::Kind::NewLeader, {}, {}, holder});
}

void Elector::see_none() {
  record_.reset();
  absent_ = true;
  reported_.clear();
}

// When somebody else's lease may be taken, if it does not change before.
std::optional<Steady> Elector::expiry() const {
  if (!record_) return std::nullopt;
  return seen_at_ + std::chrono::seconds(record_->spec().lease_duration_seconds());
}

bool Elector::free_to_take(Moment now) const {
  if (!record_) return absent_;
  const std::string& holder = record_->spec().holder_identity();
  return holder.empty() || holder == config_.identity || now.steady >= *expiry();
}

// -- Tries

void Elector::ask(Moment now, Asked what, Lease lease, Acts& acts) {
  PH_ASSERT(asked_ == Asked::Nothing);
  asked_ = what;
  sent_ = now.steady;
  constexpr Act::Kind kKinds[] = {Act::Kind::Finished, Act::Kind::Get, Act::Kind::Create, Act::Kind::Update, Act::Kind::Release};
  acts.push_back({kKinds[static_cast<std::size_t>(what)], std::move(lease), {}, {}});
}

void Elector::begin_try(Moment now, Acts& acts) {
  try_began_ = now.steady;
  read_ = false;
  suspicious_ = false;
  if (absent_) return create(now, acts);
  if (!record_) return ask(now, Asked::Get, {}, acts);
  if (holds()) return ask(now, Asked::Update, renewed(now), acts);
  if (free_to_take(now)) return ask(now, Asked::Update, taken(now), acts);
  ask(now, Asked::Get, {}, acts);
}

void Elector::create(Moment now, Acts& acts) { ask(now, Asked::Create, fresh(now), acts); }

// What the try rested on has changed: it goes on from what is stored, once.
void Elector::read_first(Moment now, Acts& acts) {
  if (read_) return try_failed(now);
  read_ = true;
  if (holds()) ++slow_paths_;
  ask(now, Asked::Get, {}, acts);
}

// The lease has just been read.
void Elector::judge(Moment now, Acts& acts) {
  read_ = true;
  if (holds()) {
    if (api::fence_of(*record_) != term_) return lose("the lease is in another term", acts);
    return ask(now, Asked::Update, renewed(now), acts);
  }
  if (free_to_take(now)) return ask(now, Asked::Update, taken(now), acts);
  try_failed(now);
}

void Elector::try_failed(Moment now) {
  if (holds()) {
    next_try_ = std::max(now.steady, try_began_ + config_.retry_period);
  } else {
    schedule_standby(now);
  }
}

void Elector::schedule_standby(Moment now) {
  const double factor = 1.0 + rng_.fraction() * kJitter;
  next_try_ = now.steady + Duration(static_cast<Duration::rep>(factor * static_cast<double>(config_.retry_period.count())));
  if (const auto end = expiry(); end && *end > now.steady) next_try_ = std::min(next_try_, *end);
}

// The lease was created or updated as asked.
void Elector::won(Moment now, Acts& acts) {
  const Steady until = sent_ + config_.renew_deadline;
  seen_at_ = now.steady;
  next_try_ = suspicious_ ? now.steady : std::max(now.steady, try_began_ + config_.retry_period);
  const api::Fence fence = api::fence_of(*record_);
  if (!holds() && !stopping_) {
    if (until <= now.steady) return try_failed(now);  // the answer took too long to mean anything
    phase_ = Phase::Leading;
  } else if (!holds()) {
    phase_ = Phase::Ending;  // stopped while it was being taken: no work has begun
    holding_ = work_ended_ = true;
  }
  const bool same = fence == term_;
  term_ = fence;
  deadline_ = until;
  if (work_ended_) return release(now, acts);
  if (phase_ != Phase::Leading) return;
  acts.push_back({same ? Act::Kind::Extend : Act::Kind::Begin, *record_, until, {}});
}

// -- The end of a term

bool Elector::past_deadline(Moment now, Acts& acts) {
  if (!holds() || now.steady < deadline_) return false;
  lose("failed to renew the lease before the deadline", acts);
  return true;
}

void Elector::lose(std::string why, Acts& acts) {
  const bool known = phase_ == Phase::Ending;
  phase_ = Phase::Ending;
  holding_ = false;
  term_ = {};
  abandon(acts);
  if (!known) acts.push_back({Act::Kind::End, {}, {}, std::move(why)});
  if (work_ended_) finish(acts);
}

void Elector::abandon(Acts& acts) {
  if (std::exchange(asked_, Asked::Nothing) != Asked::Nothing) acts.push_back({Act::Kind::Abandon, {}, {}, {}});
}

void Elector::release(Moment now, Acts& acts) {
  if (!config_.release || !record_) return finish(acts);
  phase_ = Phase::Releasing;
  deadline_ = now.steady + config_.renew_deadline;
  read_ = false;
  ask(now, Asked::Release, released(now), acts);
}

void Elector::finish(Acts& acts) {
  abandon(acts);
  phase_ = Phase::Finished;
  acts.push_back({Act::Kind::Finished, {}, {}, {}});
}

// -- Inputs

Acts Elector::start(Moment now) {
  PH_ASSERT(phase_ == Phase::Idle);
  Acts acts;
  phase_ = Phase::Standby;
  begin_try(now, acts);
  return acts;
}

Acts Elector::wake(Moment now) {
  Acts acts;
  if (past_deadline(now, acts)) return acts;
  if (asked_ != Asked::Nothing) {
    const bool late = now.steady >= sent_ + config_.attempt_timeout || (phase_ == Phase::Releasing && now.steady >= deadline_);
    if (!late) return acts;
    abandon(acts);
    if (phase_ == Phase::Releasing || (phase_ == Phase::Standby && stopping_)) {
      finish(acts);
    } else if (work_ended_) {
      release(now, acts);
    } else {
      try_failed(now);
    }
  }
  const bool tries = phase_ == Phase::Standby || holds();
  if (tries && asked_ == Asked::Nothing && now.steady >= next_try_) begin_try(now, acts);
  return acts;
}

Acts Elector::answered(Moment now, Answer answer, const Lease* lease) {
  PH_ASSERT(asked_ != Asked::Nothing);
  PH_ASSERT((answer == Answer::Ok) == (lease != nullptr));
  Acts acts;
  const Asked asked = std::exchange(asked_, Asked::Nothing);
  if (past_deadline(now, acts)) return acts;
  if (answer == Answer::Ok) see(now, *lease, acts);
  if (phase_ == Phase::Releasing) {
    answered_release(now, asked, answer, acts);
    return acts;
  }
  const bool writes = asked == Asked::Create || asked == Asked::Update;
  if (answer == Answer::Ok) {
    if (writes) {
      won(now, acts);
    } else {
      judge(now, acts);
    }
  } else if (stopping_ && !holds()) {
    finish(acts);
  } else if (answer == Answer::NotFound && asked != Asked::Create) {
    see_none();
    // Anybody may create it now.
    if (holds()) acts.push_back({Act::Kind::Doubt, {}, {}, {}});
    create(now, acts);
  } else if (answer == Answer::Conflict) {
    // Created by somebody else in between: what it is, nobody knows yet.
    if (asked == Asked::Create) absent_ = false;
    read_first(now, acts);
  } else {
    try_failed(now);
  }
  // The work ended while this renewal was under way.
  if (work_ended_ && holds() && asked_ == Asked::Nothing) release(now, acts);
  return acts;
}

void Elector::answered_release(Moment now, Asked asked, Answer answer, Acts& acts) {
  if (asked == Asked::Get && answer == Answer::Ok && api::fence_of(*record_) == term_) {
    return ask(now, Asked::Release, released(now), acts);
  }
  if (asked == Asked::Release && answer == Answer::Conflict && !read_) {
    read_ = true;
    return ask(now, Asked::Get, {}, acts);
  }
  finish(acts);
}

Acts Elector::observed(Moment now, const Lease& lease) {
  Acts acts;
  if (phase_ == Phase::Idle || phase_ == Phase::Releasing || phase_ == Phase::Finished) return acts;
  if (past_deadline(now, acts)) return acts;
  if (holds()) {
    // It may be older than the term. A renewal tells: it succeeds on the present state of the lease alone.
    if (api::fence_of(lease) == term_) return acts;
    suspicious_ = true;
    if (asked_ == Asked::Nothing) begin_try(now, acts);
    return acts;
  }
  see(now, lease, acts);
  if (phase_ != Phase::Standby || asked_ != Asked::Nothing) return acts;
  if (free_to_take(now)) {
    begin_try(now, acts);
  } else {
    next_try_ = std::min(next_try_, *expiry());
  }
  return acts;
}

Acts Elector::observed_gone(Moment now) {
  Acts acts;
  if (phase_ == Phase::Idle || phase_ == Phase::Releasing || phase_ == Phase::Finished) return acts;
  if (past_deadline(now, acts)) return acts;
  if (holds()) {
    suspicious_ = true;
    if (asked_ == Asked::Nothing) begin_try(now, acts);
    return acts;
  }
  // Its leader, if there is one, is quicker to create it again than a standby, which waits for its turn.
  see_none();
  return acts;
}

Acts Elector::ended(Moment now) {
  PH_ASSERT(phase_ == Phase::Ending);
  Acts acts;
  if (!stopping_) {
    phase_ = Phase::Standby;
    begin_try(now, acts);
    return acts;
  }
  work_ended_ = true;
  if (!holding_) {
    finish(acts);
  } else if (asked_ == Asked::Nothing) {
    release(now, acts);
  }
  return acts;
}

Acts Elector::stop(Moment now) {
  Acts acts;
  if (std::exchange(stopping_, true) || phase_ == Phase::Finished) return acts;
  if (past_deadline(now, acts)) return acts;
  switch (phase_) {
    case Phase::Leading:
      phase_ = Phase::Ending;
      holding_ = true;
      acts.push_back({Act::Kind::End, {}, {}, "stopping"});
      break;
    case Phase::Idle: finish(acts); break;
    case Phase::Standby:
      // A lease that is just being taken is waited for, and given back.
      if (asked_ != Asked::Create && asked_ != Asked::Update) finish(acts);
      break;
    case Phase::Ending:
    case Phase::Releasing:
    case Phase::Finished: break;
  }
  return acts;
}

std::optional<Steady> Elector::wake_at() const {
  std::optional<Steady> at;
  const auto also = [&](Steady when) { at = at ? std::min(*at, when) : when; };
  if (asked_ != Asked::Nothing) also(sent_ + config_.attempt_timeout);
  if (asked_ == Asked::Nothing && (phase_ == Phase::Standby || holds())) also(next_try_);
  if (holds() || phase_ == Phase::Releasing) also(deadline_);
  return at;
}

std::string_view name_of(Act::Kind kind) {
  switch (kind) {
    case Act::Kind::Get: return "get";
    case Act::Kind::Create: return "create";
    case Act::Kind::Update: return "update";
    case Act::Kind::Release: return "release";
    case Act::Kind::Abandon: return "abandon";
    case Act::Kind::Begin: return "begin";
    case Act::Kind::Extend: return "extend";
    case Act::Kind::Doubt: return "doubt";
    case Act::Kind::End: return "end";
    case Act::Kind::NewLeader: return "new leader";
    case Act::Kind::Finished: return "finished";
  }
  return {};
}

}  // namespace ph::election
