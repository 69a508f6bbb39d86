// The configuration's file as it changes (--encryption-provider-config-automatic-reload).
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "apiserver/storage/encryption/configuration.h"
#include "base/log.h"
#include "base/task.h"

namespace ph::apiserver::encryption {

struct Reload {
  std::string text;                                                    // of what is in force
  std::function<Task<std::optional<std::string>>()> read;              // the file now; nothing: there is none
  std::function<Task<std::optional<std::string>>(Configuration)> use;  // what is wrong with it, which then changes nothing
  std::function<void(bool)> told;                                      // counts whether one was taken; may be null
  Duration every = std::chrono::seconds(10);
};

// Never ends. What is no good leaves the last good one in force, and is said once.
Task<void> follow_configuration(Reload reload, Log log);

}  // namespace ph::apiserver::encryption
