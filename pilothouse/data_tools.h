// What the sub-commands snapshot, restore, status and reset do. All of them throw std::runtime_error with words for a
// person.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "apiserver/maintenance/store_counts.h"
#include "base/revision.h"
#include "base/time.h"

namespace ph::pilothouse {

// What is at a path that shall be a data directory.
struct DataDirState {
  enum class Kind {
    Absent,
    Empty,
    Ours,         // of this program's format
    Restoring,    // a restore did not end
    OtherFormat,  // of another version
    Foreign,      // something else
  };
  Kind kind = Kind::Absent;
  std::string format;  // what the file `format` says
};
DataDirState inspect_data_dir(const std::filesystem::path& path);

// Who serves a data directory.
struct RunningServer {
  std::optional<int> process;  // that has the store open; 0: it cannot be seen from here
  std::string url;             // of the server that answers; empty: none does
  bool is() const { return process || !url.empty(); }
};
RunningServer find_server(const std::filesystem::path& data_dir, const Clock& clock);

struct SnapshotDone {
  Revision revision;
  apiserver::StoreCounts::Count all;
  std::uint64_t file_bytes = 0;
  bool through_server = false;
};
// Writes all objects of one moment, and the cluster's keys, into `file`. The server may run.
SnapshotDone take_snapshot(const std::filesystem::path& data_dir, const std::filesystem::path& file, bool force,
                           const Clock& clock);

struct RestoreOptions {
  bool force = false;  // replace what the directory holds
  std::uint64_t bump_revision = 1'000'000'000;
};
struct RestoreDone {
  Revision taken_at;
  Time time;
  Revision revision;  // now
  std::uint64_t objects = 0;
  bool keys = false;  // the snapshot brought the cluster's keys
};
RestoreDone restore_snapshot(const std::filesystem::path& file, const std::filesystem::path& data_dir,
                             const RestoreOptions& options, const Clock& clock);

// The revision a restored store begins with: greater than any that a client can have seen, of the store the snapshot
// was taken from, of one that was restored from it before, or of the one that is `replaced` (its last; 0: none).
Revision revision_after_restore(Revision snapshot, std::uint64_t bump, Revision replaced, Time now);

struct StoreStatus {
  Revision revision;
  Revision history_since;
  std::optional<Time> history_begins;
  apiserver::StoreCounts counts;
};
struct DataDirStatus {
  RunningServer server;
  std::optional<StoreStatus> store;  // nothing: there is no store, or `problem`
  std::string problem;               // why the store could not be read
  std::uint64_t table_bytes = 0;
  std::uint64_t log_bytes = 0;
};
// Throws when the directory is not one of ours.
DataDirStatus data_dir_status(const std::filesystem::path& data_dir, const Clock& clock);

// What `up` made in the directory, and the directory when that leaves it empty. Refuses while a server runs. Returns
// what was left because it is not ours.
std::vector<std::string> reset_data_dir(const std::filesystem::path& data_dir, const Clock& clock);

}  // namespace ph::pilothouse
