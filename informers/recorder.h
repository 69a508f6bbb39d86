// EventRecorder: writes events about objects. Equal events are counted up in one Event object instead of being written again
// (aggregation and spam limits as client-go's recorder has them). Recording never blocks and never fails the caller.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/log.h"
#include "base/rng.h"
#include "core/v1.pb.h"
#include "informers/client.h"

namespace ph::informers {

class EventRecorder {
 public:
  virtual ~EventRecorder() = default;
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

// A reference to any object with metadata.
core::v1::ObjectReference reference_to(const google::protobuf::Message& object);

}  // namespace ph::informers
