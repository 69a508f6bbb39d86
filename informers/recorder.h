// EventRecorder: writes events about objects. Equal events are counted up in one Event object instead of being written again
// (aggregation and spam limits as client-go's recorder has them). Recording never blocks and never fails the caller.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "base/rng.h"
#include "core/v1.pb.h"
#include "informers/client.h"

namespace ph::informers {

// What happened, in the terms of events.k8s.io/v1.
struct Happening {
  core::v1::ObjectReference about = {};
  std::optional<core::v1::ObjectReference> related = {};  // another object that has to do with it
  std::string_view type = "Normal";                       // or "Warning"
  std::string reason = {};                                // why the action was taken, as one word
  std::string action = {};                                // what was done, as one word
  std::string note = {};
};

class EventRecorder {
 public:
  virtual ~EventRecorder() = default;
  // Recorders of the older kind leave out the action and the related object.
  virtual void report(Happening what) { record(std::move(what.about), what.type, std::move(what.reason), std::move(what.note)); }
  // `type`: "Normal" or "Warning".
  virtual void record(core::v1::ObjectReference about, std::string_view type, std::string reason, std::string message) = 0;
  virtual void normal(core::v1::ObjectReference about, std::string reason, std::string message) {
    record(std::move(about), "Normal", std::move(reason), std::move(message));
  }
  virtual void warning(core::v1::ObjectReference about, std::string reason, std::string message) {
    record(std::move(about), "Warning", std::move(reason), std::move(message));
  }
};

// `component` becomes source.component, e.g. "deployment-controller". `host` may be empty.
std::unique_ptr<EventRecorder> event_recorder(Executor& executor, Client& client, Rng& rng, std::string component,
                                              std::string host, Log log);

// Writes events.k8s.io/v1 as client-go's tools/events does: an event that differs from an earlier one at most in its note is counted
// up in that one's series, until nothing of the kind has happened for six minutes. The last 4096 are remembered. What is told by
// `record` has its reason as its action. `instance` is whoever of several of `controller` reports.
std::unique_ptr<EventRecorder> series_recorder(Executor& executor, Client& client, std::string controller, std::string instance,
                                               Log log);

// A reference to any object with metadata.
core::v1::ObjectReference reference_to(const google::protobuf::Message& object);

}  // namespace ph::informers
