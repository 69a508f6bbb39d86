// The file that audit events are written to, and those before it.
#pragma once

#include <filesystem>
#include <memory>

#include "apiserver/audit/backend.h"
#include "base/executor.h"
#include "base/log.h"

namespace ph::pilothouse {

struct AuditFileOptions {
  std::filesystem::path path;          // "-": standard output, which is not rotated
  std::size_t bytes_max = 100u << 20;  // a line that would make it larger begins a new file
  int days_max = 366;                  // files that are older go; 0: none do
  int files_max = 100;                 // of the old ones that are kept; 0: all
  bool compress = false;               // the old ones, with gzip
};

// Old files are named after the time of their end: audit-2006-01-02T15-04-05.000.log. They are compressed and taken away on `aside`,
// which outlives this, as the clock does. Throws daemon::FileError when the file cannot be opened.
std::shared_ptr<apiserver::audit::Lines> audit_file(AuditFileOptions options, const Clock& clock, Executor& aside, Log log);

}  // namespace ph::pilothouse
