// What a hollow container does, read from its command: docs/hollow-nodes.md has the convention.
//
// `sleep N` takes N seconds, `exit N` ends with N, `true` and `false` end with 0 and 1, `echo …` writes a line of the log; they
// stand alone or in a shell's `-c` text, separated by `;`, `&&` or new lines. Anything else is a server: it runs until it is
// told to stop.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/time.h"

namespace ph::node {

// Longer than a century is for ever; it also keeps the arithmetic within range.
inline constexpr Duration kForever = std::chrono::hours(24) * 365 * 100;

struct Run {
  struct Line {
    Duration after{};  // the run's begin
    std::string text;
    bool operator==(const Line&) const = default;
  };
  Duration takes{};              // until it ends
  std::optional<int> exit_code;  // nothing: it never ends by itself
  std::vector<Line> output;
};

// `command` and `args` as in a container. Empty: the image's own command, which is a server.
Run read_command(std::span<const std::string> command, std::span<const std::string> args);

}  // namespace ph::node
