// What a hollow node can be made to suffer from.
#pragma once

#include <span>
#include <string_view>

namespace ph::node {

// Several at once: bits.
using Problems = unsigned;

enum Problem : Problems {
  kSilent = 1,  // it neither renews its lease nor reports anything, and does nothing about its pods
  kNotReady = 2,
  kNetworkUnavailable = 4,
  kMemoryPressure = 8,
  kDiskPressure = 16,
  kPidPressure = 32,
};

// The annotation of a node that asks for some, below kAskPrefix.
inline constexpr std::string_view kProblemAsk = "problem";

// `silent`, `not-ready,disk-pressure`; empty: none. Throws AskError.
Problems parse_problems(std::string_view text);

}  // namespace ph::node
