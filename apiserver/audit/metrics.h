// What auditing counts. Names are upstream's.
#pragma once

#include <array>
#include <string>

#include "apiserver/audit/policy.h"
#include "base/metrics.h"

namespace ph::apiserver::audit {

struct Families {
  Metrics* in = nullptr;
  // clang-format off
  Family<Counter> events{in, {Stability::Alpha, "apiserver_audit_event_total",
      "Audit events that were handed to the backends."}};
  Family<Counter> errors{in, {Stability::Alpha, "apiserver_audit_error_total",
      "Audit events that a backend has lost.", {"plugin"}}};
  Family<Counter> levels{in, {Stability::Alpha, "apiserver_audit_level_total",
      "Requests by the level at which they were audited.", {"level"}}};
  Family<Counter> rejected{in, {Stability::Alpha, "apiserver_audit_requests_rejected_total",
      "Requests that were refused because it could not be written that they had come."}};
  // clang-format on
};

// Events that `plugin` has lost: "log", "webhook", "buffered<webhook>".
inline Counter errors_of(Metrics* metrics, const std::string& plugin) { return Families{metrics}.errors.with({plugin}); }

// Of an auditor. Threads: any.
struct Counters {
  explicit Counters(Metrics* metrics) {
    const Families families{metrics};
    events = families.events.with({});
    rejected = families.rejected.with({});
    constexpr std::array kNames{"None", "Metadata", "Request", "RequestResponse"};
    for (std::size_t i = 0; i < kNames.size(); ++i) levels[i] = families.levels.with({kNames[i]});
  }
  Counter events, rejected;
  std::array<Counter, 4> levels;  // by Level
};

}  // namespace ph::apiserver::audit
