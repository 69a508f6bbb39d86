// admission-trace: which admission plugin or webhook changes what of an object, told by a dry run.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/transport.h"
#include "daemon/flags.h"

#include "pilothouse/asking.h"

namespace ph::pilothouse {

struct TraceOptions {
  std::vector<std::string> files;
  std::string namespace_name;
  AskingOptions asking;
};

// The options must outlive the set.
void add_flags(daemon::FlagSet& flags, TraceOptions& options);

// The changes that an answer's headers tell of.
std::vector<nlohmann::json> changes_in(const Headers& headers);
// A line each: who, what he does, where, and with which value.
std::string changes_text(const std::vector<nlohmann::json>& changes);
// Where objects of the kind are made; `resources` is the list of its group and version. Empty: there is no such kind.
std::string path_for(const nlohmann::json& resources, std::string_view kind, std::string_view namespace_name);

// The program. `args` without its name; returns the exit code.
int admission_trace(const std::string& program, std::span<const std::string> args);

}  // namespace ph::pilothouse
