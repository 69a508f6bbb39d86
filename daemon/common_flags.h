// The flags that several programs have.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/log.h"
#include "daemon/flags.h"
#include "daemon/serving_options.h"
#include "election/options.h"

namespace ph::daemon {

struct LogOptions {
  std::string format = "text";  // --logging-format: or json
  std::string verbosity;        // -v: 0 to 10; from 4 on everything is shown
};

// Throws FlagError for what cannot be.
Log make_log(const LogOptions& options);

// All of these must outlive the set. Sections are named as upstream names them.
void add_serving_flags(FlagSet& flags, ServingOptions& options);
// Of those, the ones that change nothing: for a program that has its own words for the rest.
void add_inert_serving_flags(FlagSet& flags);
void add_election_flags(FlagSet& flags, election::ElectionOptions& options);
void add_log_flags(FlagSet& flags, LogOptions& options);
void add_metrics_flags(FlagSet& flags);
// --feature-gates, --emulated-version, --min-compatibility-version.
void add_gate_flags(FlagSet& flags, std::map<std::string, std::string>& gates);

// A line for each flag that was given and changes nothing, with the reason.
void log_flags_without_effect(const FlagSet& flags, const Log& log);

// Throws a FlagError of all problems, in upstream's form, when there are any.
void refuse(const std::vector<std::string>& problems);

// Throws FlagError with all that is wrong.
void check(const ServingOptions& options);
void check(const election::ElectionOptions& options);
void check_gates(const std::map<std::string, std::string>& gates);

}  // namespace ph::daemon
