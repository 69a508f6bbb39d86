// JobPodView: what the Job loop needs of a pod besides its PodView: whose turn it was, how it ended, and why. Held of pods that a
// Job controls, or that have its finalizer, and of no others.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "informers/pod_view.h"

namespace ph::informers {

inline constexpr std::string_view kJobTrackingFinalizer = "batch.kubernetes.io/job-tracking";
inline constexpr const char* kCompletionIndex = "batch.kubernetes.io/job-completion-index";
inline constexpr const char* kIndexFailures = "batch.kubernetes.io/job-index-failure-count";
inline constexpr const char* kIndexIgnoredFailures = "batch.kubernetes.io/job-index-ignored-failure-count";

struct JobPodView {
  // A container that has ended, or not.
  struct Container {
    Interned name;
    bool ended = false;
    std::int32_t exit_code = 0;
    std::optional<Time> finished;
  };

  std::optional<std::int32_t> index;  // the annotation; nothing when it is none
  std::int32_t failures = 0;          // of pods of the index before this one, as its annotations say
  std::int32_t ignored_failures = 0;
  std::vector<Container> containers, init_containers;
  std::vector<std::pair<Interned, Interned>> conditions;  // type, status
  std::optional<Time> not_ready_since;                    // since when the condition Ready is False
  std::int64_t restarts = 0;                              // of all containers

  // From a pod's bytes.
  static std::shared_ptr<const JobPodView> decode(std::string_view protobuf);
};

}  // namespace ph::informers
