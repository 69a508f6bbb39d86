#include "daemon/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

namespace ph::daemon {
namespace {

[[noreturn]] void fail(const char* what, const std::filesystem::path& path, int error) {
  throw FileError(fmt::format("cannot {} {}: {}", what, path.string(), std::strerror(error)));
}

// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

void write_all(int fd, std::string_view text, const std::filesystem::path& path) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("write", path, errno);
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

struct stat look_at(const Descriptor& file, const std::filesystem::path& path) {
  struct stat facts;
  if (::fstat(file.get(), &facts) != 0) fail("look at", path, errno);
  return facts;
}

// True: others had rights.
bool close_to_others(const Descriptor& file, const struct stat& facts, const std::filesystem::path& path) {
  if ((facts.st_mode & 077) == 0) return false;
  if (::fchmod(file.get(), facts.st_mode & (S_ISDIR(facts.st_mode) ? 0700 : 0600)) != 0)
    fail("close to other users", path, errno);
  return true;
}

}  // namespace

std::optional<std::string> read_file(const std::filesystem::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    if (errno == ENOENT) return std::nullopt;
    fail("read", path, errno);
  }
  std::string text;
  char chunk[16384];
  for (;;) {
    const ssize_t n = ::read(file.get(), chunk, sizeof chunk);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("read", path, errno);
    if (n == 0) return text;
    text.append(chunk, static_cast<std::size_t>(n));
  }
}

void write_file(const std::filesystem::path& path, std::string_view text, bool secret) {
  std::filesystem::path temporary = path;
  temporary += ".new";
  ::unlink(temporary.c_str());
  {
    // The mode is set as the file is made: a secret is never readable by others, not even for a moment.
    const Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, secret ? 0600 : 0644));
    if (file.get() < 0) fail("create", temporary, errno);
    write_all(file.get(), text, temporary);
    if (::fsync(file.get()) != 0) fail("sync", temporary, errno);
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) fail("replace", path, errno);
  sync_directory(path.parent_path());
}

void sync_directory(const std::filesystem::path& path) {
  const Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || ::fsync(directory.get()) != 0) fail("sync", path, errno);
}

std::vector<std::filesystem::path> directory_entries(const std::filesystem::path& path) {
  std::vector<std::filesystem::path> out;
  std::error_code error;
  for (std::filesystem::directory_iterator it(path, error), end; !error && it != end; it.increment(error))
    out.push_back(it->path());
  if (error) throw FileError(fmt::format("cannot read {}: {}", path.string(), error.message()));
  std::ranges::sort(out);
  return out;
}

void make_directory(const std::filesystem::path& path) {
  // What cannot even be looked at fails below, with the words for it.
  std::error_code unreadable;
  if (std::filesystem::is_directory(path, unreadable)) return;
  if (path.has_parent_path() && !path.parent_path().empty() && path.parent_path() != path) make_directory(path.parent_path());
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) fail("create the directory", path, errno);
}

std::optional<FileFacts> file_facts(const std::filesystem::path& path) {
  struct stat facts;
  if (::lstat(path.c_str(), &facts) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    fail("look at", path, errno);
  }
  return FileFacts{facts.st_mode & 07777, facts.st_uid, S_ISDIR(facts.st_mode)};
}

void keep_files_private() { ::umask(077); }

bool close_directory(const std::filesystem::path& path) {
  const Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0) fail("read", path, errno);
  const struct stat facts = look_at(directory, path);
  if (facts.st_uid != ::geteuid()) {
    throw FileError(
        fmt::format("the directory {} belongs to another user (uid {}), and this program runs as uid {}: run it as the owner, "
                    "give the directory to its user by chown, or name another",
                    path.string(), facts.st_uid, ::geteuid()));
  }
  return close_to_others(directory, facts, path);
}

std::size_t close_to_others(const std::filesystem::path& path) {
  // Links are not followed: whoever could write here could have put one anywhere.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (file.get() < 0 && (errno == ENOENT || errno == ELOOP)) return 0;
  if (file.get() < 0) fail("read", path, errno);
  const struct stat facts = look_at(file, path);
  if (facts.st_uid != ::geteuid() && facts.st_uid != 0) {
    throw FileError(
        fmt::format("{} belongs to another user (uid {}), who can read and change it: give it to the user of this program by "
                    "chown, or name another directory",
                    path.string(), facts.st_uid));
  }
  std::size_t closed = close_to_others(file, facts, path) ? 1 : 0;
  if (!S_ISDIR(facts.st_mode)) return closed;
  for (const auto& entry : directory_entries(path)) closed += close_to_others(entry);
  return closed;
}

}  // namespace ph::daemon
