// What a hollow pod does besides what its command says: asked for by stages (node/stages.h), or by annotations of its own.
// docs/hollow-nodes.md has the members.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/time.h"

namespace ph::node {

// Of the annotations that ask hollow nodes for something.
inline constexpr std::string_view kAskPrefix = "hollow.pilothouse.dev/";

// What is wrong with what was asked for, in words for who asked.
class AskError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// How much is used of a resource: the same all the time, or between two bounds, as a sine of the wall clock.
struct Usage {
  double mean = 0, swing = 0;  // CPUs, bytes
  Duration period{};           // zero: the same all the time
  bool shared = false;         // by the running pods of one controller: each has its part
  double at(Time now) const;
  // `200m`, `sine(LOWEST, HIGHEST, PERIOD)`, either with `total ` before it. Throws AskError.
  static Usage parse(std::string_view text);
  bool operator==(const Usage&) const = default;
};

// `1m30s`: none less than nothing, none longer than a year. Throws AskError.
Duration parse_span(std::string_view text);

// What is not said stays as it is by itself.
struct Behaviour {
  std::optional<Duration> ready_after;  // from the begin of a run
  std::optional<Duration> runs_for;     // then the container ends
  std::optional<int> exit_code;         // with this; 0
  std::optional<int> restarts;          // after so many it does not end any more
  std::optional<Duration> pull_takes;   // each try
  std::optional<int> pull_failures;     // before the image is there; kAlways: it never is
  std::optional<std::string> pull_error;
  std::optional<Duration> ends_after;  // from being told to stop
  std::optional<Usage> cpu, memory;

  static constexpr int kAlways = -1;

  // `member` as a file of stages has it (`readyAfter`); false: there is none of that name. Throws AskError.
  bool set(std::string_view member, std::string_view text);
  // The same as annotations have it: `ready-after`.
  bool set_asked(std::string_view annotation, std::string_view text);
  // What the other one says counts.
  void override_by(const Behaviour& other);
  bool operator==(const Behaviour&) const = default;
};

}  // namespace ph::node
