// Auditor: the policy and the backends. Trail: one request on its way through them.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "apiserver/audit/backend.h"
#include "apiserver/audit/metrics.h"
#include "apiserver/audit/policy.h"

namespace ph::apiserver::audit {

// Constant. Threads: any. Outlives what its events hold a part of.
class Auditor {
 public:
  // `metrics` outlives it; null: nothing is counted.
  Auditor(Policy policy, std::vector<std::unique_ptr<Backend>> backends, Metrics* metrics = nullptr)
      : policy_(std::move(policy)), backends_(std::move(backends)), counters_(metrics) {}

  Judgement judge(const Identity* user, const RequestInfo& request) const { return audit::judge(policy_, user, request); }

  // To all backends; false when one of them demands that the request be refused.
  bool take(const EventRef& event) const {
    counters_.events.add();
    bool good = true;
    for (const auto& backend : backends_) good = backend->take(event) && good;
    return good;
  }

  // A request has been answered that was audited at this level; one was refused.
  void count_level(Level level) const { counters_.levels[static_cast<std::size_t>(level)].add(); }
  void count_rejected() const { counters_.rejected.add(); }

 private:
  const Policy policy_;
  const std::vector<std::unique_ptr<Backend>> backends_;
  const Counters counters_;
};

// What is known of a request that is audited; belongs to whoever handles it. Its auditor outlives it.
class Trail {
 public:
  Trail(const Auditor& auditor, const Judgement& judgement, Event known)
      : auditor_(auditor), omitted_(judgement.omitted), event_(std::move(known)) {
    event_.level = judgement.level;
    event_.omit_managed_fields = judgement.omit_managed_fields;
  }

  Trail(const Trail&) = delete;
  Trail& operator=(const Trail&) = delete;
  // A request that has begun has an end, whoever still waits for its answer: a write is carried out though its client has gone.
  ~Trail() {
    if (clock_ == nullptr) return;
    event_.code = 200;
    event_.words = "Connection closed early";
    if (const EventRef event = at(Stage::ResponseComplete, clock_->now())) (void)auditor_.take(event);
  }

  // That it has come has been told; the clock outlives this.
  void begun(const Clock& clock) { clock_ = &clock; }
  // Its answer is there, with which its end is told.
  void answered() { clock_ = nullptr; }

  Event& event() { return event_; }
  bool wants(Level level) const { return event_.level >= level; }
  // It is answered with what is stored, which is never a Status.
  bool answers_stored() const { return answers_stored_; }
  void answers_stored(bool yes) { answers_stored_ = yes; }
  // The first value of a key stays.
  void annotate(std::string key, std::string value) { event_.annotations.emplace(std::move(key), std::move(value)); }

  // The event as it is at that stage; null when the policy does not want it.
  EventRef at(Stage stage, Time now) const {
    if (omitted_.has(stage)) return nullptr;
    auto event = std::make_shared<Event>(event_);
    event->stage = stage;
    event->at = now;
    return event;
  }

  const Auditor& auditor() const { return auditor_; }

 private:
  const Auditor& auditor_;
  const Stages omitted_;
  Event event_;
  bool answers_stored_ = false;
  const Clock* clock_ = nullptr;  // null: nobody has to be told of its end
};

}  // namespace ph::apiserver::audit
