// `pilothouse cis`: asks what runs for its flags, looks at the files of the data directory, and says item by item what the CIS
// Kubernetes Benchmark makes of it (pilothouse/cis_checks.h, docs/hardening.md).
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "daemon/flags.h"
#include "pilothouse/cis_checks.h"

namespace ph::pilothouse {

struct CisOptions {
  std::string kubeconfig, context;
  std::string controller_manager, scheduler;  // https://HOST:PORT; empty: not asked
  std::string data_dir;                       // empty: the apiserver's, if it is on this machine
  std::string output = "text";                // or "json"
};

// The options must outlive the set.
void add_flags(daemon::FlagSet& flags, CisOptions& options);

// What is in a data directory, and whose. Throws FileError for what cannot be looked at.
std::vector<CisFile> cis_files(const std::filesystem::path& data_dir);

// The results for people, and for programs.
std::string cis_table(const std::vector<CisResult>& results);
std::string cis_json(const std::vector<CisResult>& results);

// As controller_manager(); 1 when an item fails.
int cis_program(const std::string& program, std::span<const std::string> args);

}  // namespace ph::pilothouse
