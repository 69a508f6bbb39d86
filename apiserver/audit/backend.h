// Where events go.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apiserver/audit/event.h"
#include "base/log.h"
#include "base/metrics.h"

namespace ph::apiserver::audit {

class Backend {
 public:
  virtual ~Backend() = default;
  // False: the event is lost, and whoever asks is to be refused for it. Threads: any, several at once.
  virtual bool take(const EventRef& event) = 0;
};

// Lines, which somebody keeps: a file that is rotated (pilothouse/audit_file.h), or standard output.
class Lines {
 public:
  virtual ~Lines() = default;
  // With the line's end. Throws std::exception when it cannot be written. Threads: any, several at once.
  virtual void write(std::string_view line) = 0;
};

// What is larger is cut down, or left out.
struct Truncation {
  bool enabled = false;
  std::size_t event_bytes = 102400;    // an event that is larger loses its objects; one that is larger still is left out
  std::size_t batch_bytes = 10485760;  // a batch that is larger goes in pieces
};

// The text of an event within the bounds; empty when there is none.
std::string bounded_json(const Event& event, bool with_kind, const Truncation& truncation);

struct LogOptions {
  bool legacy = false;  // words instead of JSON
  bool strict = false;  // an event that cannot be written refuses its request
  Truncation truncation;
  Counter errors = {};  // events that were lost
};

// Writes each event on the thread that brings it.
std::unique_ptr<Backend> log_backend(std::shared_ptr<Lines> lines, LogOptions options, Log log);

}  // namespace ph::apiserver::audit
