#include "pilothouse/snapshot_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "daemon/files.h"

namespace ph::pilothouse {

using daemon::FileError;

namespace {

constexpr std::size_t kChunk = 256 << 10;

[[noreturn]] void fail(const char* what, const std::filesystem::path& path) {
  throw FileError(fmt::format("cannot {} {}: {}", what, path.string(), std::strerror(errno)));
}

std::filesystem::path draft_of(std::filesystem::path path) { return path += ".new"; }

class Inspector final : public apiserver::SnapshotDecoder::Visitor {
 public:
  void head(Revision revision, Time time) override {
    facts.revision = revision;
    facts.time = time;
  }
  void value(std::string_view key, Revision, std::string_view value) override { facts.counts.add(key, value.size()); }
  void file(std::string_view name, std::string_view) override { facts.files.emplace_back(name); }

  SnapshotFacts facts;
};

}  // namespace

SnapshotFile::SnapshotFile(std::filesystem::path path) : path_(std::move(path)), draft_(draft_of(path_)) {
  ::unlink(draft_.c_str());
  file_ = ::open(draft_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file_ < 0) fail("create", draft_);
}

SnapshotFile::~SnapshotFile() {
  if (file_ >= 0) ::close(file_);
  if (!finished_) ::unlink(draft_.c_str());
}

void SnapshotFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(file_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("write", draft_);
    bytes.remove_prefix(static_cast<std::size_t>(n));
    size_ += static_cast<std::size_t>(n);
  }
}

void SnapshotFile::finish() {
  if (::fsync(file_) != 0) fail("sync", draft_);
  if (::rename(draft_.c_str(), path_.c_str()) != 0) fail("replace", path_);
  finished_ = true;
  daemon::sync_directory(path_.has_parent_path() ? path_.parent_path() : ".");
}

void read_snapshot(const std::filesystem::path& path, apiserver::SnapshotDecoder::Visitor& visitor) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) fail("read", path);
  struct Close {
    int file;
    ~Close() { ::close(file); }
  } close{file};
  apiserver::SnapshotDecoder decoder(visitor);
  std::string chunk(kChunk, '\0');
  try {
    for (;;) {
      const ssize_t n = ::read(file, chunk.data(), chunk.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail("read", path);
      if (n == 0) break;
      decoder.feed(std::string_view(chunk.data(), static_cast<std::size_t>(n)));
    }
    decoder.finish();
  } catch (const apiserver::SnapshotError& error) {
    throw FileError(fmt::format("the snapshot {} cannot be used: {}", path.string(), error.what()));
  }
}

SnapshotFacts inspect_snapshot(const std::filesystem::path& path) {
  Inspector inspector;
  read_snapshot(path, inspector);
  return std::move(inspector.facts);
}

}  // namespace ph::pilothouse
