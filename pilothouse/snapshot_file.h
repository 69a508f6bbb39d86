// Snapshots as files.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/maintenance/store_counts.h"
#include "apiserver/storage/snapshot.h"

namespace ph::pilothouse {

// Writes a file of mode 0600 under another name; it gets its own when all of it is on the disk. A file that is not
// finished is removed.
class SnapshotFile {
 public:
  // Throws daemon::FileError, as all here do.
  explicit SnapshotFile(std::filesystem::path path);
  ~SnapshotFile();
  SnapshotFile(const SnapshotFile&) = delete;
  SnapshotFile& operator=(const SnapshotFile&) = delete;

  void write(std::string_view bytes);
  void finish();
  std::uint64_t size() const { return size_; }

 private:
  const std::filesystem::path path_;
  const std::filesystem::path draft_;
  int file_ = -1;
  std::uint64_t size_ = 0;
  bool finished_ = false;
};

// Reads a snapshot from its beginning to its end. Throws daemon::FileError when it cannot be read or is not as it was
// written: what the visitor has been given by then must not be used.
void read_snapshot(const std::filesystem::path& path, apiserver::SnapshotDecoder::Visitor& visitor);

struct SnapshotFacts {
  Revision revision;
  Time time;
  apiserver::StoreCounts counts;
  std::vector<std::string> files;
};

// Reads all of it and checks it.
SnapshotFacts inspect_snapshot(const std::filesystem::path& path);

}  // namespace ph::pilothouse
