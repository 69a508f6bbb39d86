#include "pilothouse/audit_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>

#include <fmt/format.h>

#include "api/times.h"
#include "apiserver/rest/gzip.h"
#include "daemon/files.h"

namespace ph::pilothouse {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kChunk = 64 * 1024;

[[noreturn]] void fail(const char* what, const fs::path& path) {
  throw daemon::FileError(fmt::format("cannot {} {}: {}", what, path.string(), std::strerror(errno)));
}

void write_all(int fd, std::string_view text, const fs::path& path) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("write", path);
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

// "2006-01-02T15-04-05.000"
std::string stamp(Time time) {
  std::string out = api::rfc3339(time);
  out.pop_back();
  std::ranges::replace(out, ':', '-');
  const auto second = std::chrono::floor<std::chrono::seconds>(time);
  return out + fmt::format(".{:03}", std::chrono::duration_cast<std::chrono::milliseconds>(time - second).count());
}

// When a name of that form says that its file ended; nothing when it is another.
std::optional<Time> ended_at(std::string_view text) {
  if (text.size() != 23) return std::nullopt;
  std::string time(text);
  time[13] = time[16] = ':';
  return api::parse_rfc3339(time + "Z");
}

// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

// The files that have ended. On one thread.
class OldFiles {
 public:
  OldFiles(const AuditFileOptions& options, const Clock& clock, const Log& log) : options_(options), clock_(clock), log_(log) {}

  void tidy() const {
    try {
      std::vector<Old> files = find();
      std::ranges::sort(files, std::greater(), &Old::ended);
      for (std::size_t i = 0; i < files.size(); ++i) {
        const bool too_many = options_.files_max > 0 && i >= static_cast<std::size_t>(options_.files_max);
        const bool too_old = options_.days_max > 0 && clock_.now() - files[i].ended > std::chrono::days(options_.days_max);
        if (too_many || too_old) fs::remove(files[i].path);
        else if (options_.compress && files[i].path.extension() != ".gz") compress(files[i].path);
      }
    } catch (const std::exception& error) {
      log_.error("old files of the audit log cannot be tidied up", "err", error.what());
    }
  }

 private:
  struct Old {
    fs::path path;
    Time ended;
  };

  std::vector<Old> find() const {
    const std::string begin = options_.path.stem().string() + "-", end = options_.path.extension().string();
    const fs::path parent = options_.path.has_parent_path() ? options_.path.parent_path() : fs::path(".");
    std::vector<Old> out;
    for (const fs::path& path : daemon::directory_entries(parent)) {
      std::string name = path.filename().string();
      if (name.ends_with(".gz")) name.resize(name.size() - 3);
      if (!name.starts_with(begin) || !name.ends_with(end) || name.size() < begin.size() + end.size()) continue;
      if (const auto time = ended_at(std::string_view(name).substr(begin.size(), name.size() - begin.size() - end.size()))) {
        out.push_back({path, *time});
      }
    }
    return out;
  }

  // The file is whole under its new name, or not there under it.
  static void compress(const fs::path& path) {
    fs::path to = path, making = path;
    to += ".gz";
    making += ".gz.new";
    const Descriptor in(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (in.get() < 0) fail("read", path);
    const Descriptor out(::open(making.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (out.get() < 0) fail("create", making);
    apiserver::Gzip gzip;
    std::string bytes(kChunk, '\0'), packed;
    for (;;) {
      const ssize_t n = ::read(in.get(), bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail("read", path);
      if (n == 0) break;
      packed.clear();
      gzip.add(std::string_view(bytes).substr(0, static_cast<std::size_t>(n)), packed);
      write_all(out.get(), packed, making);
    }
    packed.clear();
    gzip.end(packed);
    write_all(out.get(), packed, making);
    fs::rename(making, to);
    fs::remove(path);
  }

  const AuditFileOptions options_;
  const Clock& clock_;
  const Log log_;
};

class RotatedFile final : public apiserver::audit::Lines {
 public:
  RotatedFile(AuditFileOptions options, const Clock& clock, Executor& aside, const Log& log)
      : options_(std::move(options)), clock_(clock), aside_(aside), old_(std::make_shared<const OldFiles>(options_, clock, log)) {
    if (options_.path.has_parent_path()) fs::create_directories(options_.path.parent_path());
    open();
    tidy();
  }

  void write(std::string_view line) override {
    const std::lock_guard lock(mutex_);
    if (file_.get() < 0) open();  // when the last rotation has failed
    if (size_ > 0 && size_ + line.size() > options_.bytes_max) rotate();
    write_all(file_.get(), line, options_.path);
    size_ += line.size();
  }

 private:
  void open() {
    file_ = Descriptor(::open(options_.path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    if (file_.get() < 0) fail("open", options_.path);
    struct stat facts;
    if (::fstat(file_.get(), &facts) != 0) fail("look at", options_.path);
    size_ = static_cast<std::size_t>(facts.st_size);
  }

  void rotate() {
    fs::path old = options_.path.parent_path() / options_.path.stem();
    old += "-" + stamp(clock_.now()) + options_.path.extension().string();
    // Two within a millisecond: the second one goes on in the same file.
    if (fs::exists(old)) return;
    if (::rename(options_.path.c_str(), old.c_str()) != 0 && errno != ENOENT) fail("rename", options_.path);
    file_ = Descriptor();
    open();
    tidy();
  }

  void tidy() {
    aside_.post([old = old_] { old->tidy(); });
  }

  const AuditFileOptions options_;
  const Clock& clock_;
  Executor& aside_;
  const std::shared_ptr<const OldFiles> old_;
  std::mutex mutex_;
  Descriptor file_;       // guarded
  std::size_t size_ = 0;  // guarded
};

class StandardOutput final : public apiserver::audit::Lines {
 public:
  void write(std::string_view line) override {
    const std::lock_guard lock(mutex_);
    write_all(STDOUT_FILENO, line, "standard output");
  }

 private:
  std::mutex mutex_;
};

}  // namespace

std::shared_ptr<apiserver::audit::Lines> audit_file(AuditFileOptions options, const Clock& clock, Executor& aside, Log log) {
  if (options.path == "-") return std::make_shared<StandardOutput>();
  return std::make_shared<RotatedFile>(std::move(options), clock, aside, log);
}

}  // namespace ph::pilothouse
