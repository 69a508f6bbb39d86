// kube-scheduler's flags.
#pragma once

#include <map>
#include <string>

#include "daemon/common_flags.h"
#include "daemon/server_access.h"
#include "scheduler/config/configuration.h"

namespace ph::pilothouse {

struct SchedulerOptions {
  std::string config;            // the file
  std::string config_text = {};  // what was in it
  std::string write_config_to;   // a file: the configuration is written there, and that is all
  Duration unschedulable_max = 5min;
  daemon::AccessOptions access;
  daemon::ServingOptions serving{.secure_port = 10259, .authentication_tolerate_lookup_failure = true};
  election::ElectionOptions election{.resource_name = "kube-scheduler"};
  daemon::LogOptions log;
  std::map<std::string, std::string> gates;
};

// The options must outlive the set.
void add_flags(daemon::FlagSet& flags, SchedulerOptions& options);

// Reads the file and lets it and the flags agree, as upstream does: with a file, its client connection and leader election
// count, unless a flag says something else. Checks everything. Throws FlagError, FileError or ConfigurationError.
scheduler::Configuration resolve(const daemon::FlagSet& flags, SchedulerOptions& options);

}  // namespace ph::pilothouse
