// kube-scheduler's flags.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "daemon/common_flags.h"
#include "daemon/server_access.h"
#include "pilothouse/foreign_plugins.h"
#include "scheduler/config/configuration.h"

namespace ph::pilothouse {

struct SchedulerOptions {
  std::string config;            // the file
  std::string config_text = {};  // what was in it
  bool hardened = false;         // flags/hardened.h
  std::string write_config_to;   // a file: the configuration is written there, and that is all
  Duration unschedulable_max = 5min;
  std::vector<std::string> plugin_files;
  ForeignPlugins plugins = {};  // of these files, once resolved
  daemon::AccessOptions access;
  daemon::ServingOptions serving{.secure_port = 10259, .authentication_tolerate_lookup_failure = true};
  election::ElectionOptions election{.resource_name = "kube-scheduler"};
  daemon::LogOptions log;
  std::map<std::string, std::string> gates;
};

// The options must outlive the set.
void add_flags(daemon::FlagSet& flags, SchedulerOptions& options);

// Reads the file and lets it and the flags agree, as upstream does: with a file, its client connection and leader election
// count, unless a flag says something else. Loads the plugins, and checks everything. Throws FlagError, FileError, ForeignPluginError or
// ConfigurationError.
scheduler::Configuration resolve(const daemon::FlagSet& flags, SchedulerOptions& options);

}  // namespace ph::pilothouse
