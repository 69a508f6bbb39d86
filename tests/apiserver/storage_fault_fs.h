// A file system that can crash: after the given number of writes and syncs everything fails, and what was not synced by
// then is lost. Or one whose disk is full or fails, while the machine goes on.
#pragma once

#include <rocksdb/file_system.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

namespace ph::apiserver::testing {

class FaultyFiles final : public rocksdb::FileSystemWrapper {
 public:
  FaultyFiles() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "FaultyFiles"; }

  // The machine stops before the write or sync with this number (from now on).
  void crash_after(std::uint64_t operations) {
    const std::lock_guard lock(mutex_);
    left_ = operations;
  }

  enum class Operation { Write, Sync, Create, Other };
  // After so many operations of that kind (from now on) all of that kind fail like this.
  void fail_after(Operation kind, std::uint64_t operations, rocksdb::IOStatus status) {
    const std::lock_guard lock(mutex_);
    failing_ = kind;
    until_failing_ = operations;
    failure_ = std::move(status);
  }
  bool failed() const {
    const std::lock_guard lock(mutex_);
    return failed_;
  }
  // The disk takes so many bytes more. The write that is too much leaves what fits.
  void fill_after(std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    space_ = bytes;
  }
  static rocksdb::IOStatus no_space() { return rocksdb::IOStatus::NoSpace("While appending to file", "No space left on device"); }

  bool crashed() const {
    const std::lock_guard lock(mutex_);
    return left_ == 0;
  }
  std::uint64_t operations() const {
    const std::lock_guard lock(mutex_);
    return operations_;
  }
  std::uint64_t log_syncs() const {
    const std::lock_guard lock(mutex_);
    return log_syncs_;
  }

  // What the disk holds when the machine comes up again: of each file what was synced, and `kept` more bytes at most,
  // and then maybe zeros up to the size it had; files whose directory was never synced are gone.
  void lose_unsynced(std::uint64_t kept, bool zeros) {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, file] : files_) {
      if (unsynced_names_.contains(name)) {
        target()->DeleteFile(name, {}, nullptr);
      } else if (file.written > file.synced) {
        std::filesystem::resize_file(name, file.synced + std::min(kept, file.written - file.synced));
        // Longer again: the file system fills with zeros.
        if (zeros) std::filesystem::resize_file(name, file.written);
      }
    }
    files_.clear();
    unsynced_names_.clear();
    left_ = ~0ull;
  }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result, rocksdb::IODebugContext* debug) override {
    if (auto status = step(Operation::Create); !status.ok()) return status;
    auto status = FileSystemWrapper::NewWritableFile(name, options, result, debug);
    if (!status.ok()) return status;
    {
      const std::lock_guard lock(mutex_);
      files_[name] = {};
      unsynced_names_.insert(name);
    }
    *result = std::make_unique<File>(*this, name, std::move(*result));
    return status;
  }

  rocksdb::IOStatus ReopenWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* result,
                                       rocksdb::IODebugContext* debug) override {
    if (auto status = step(Operation::Other); !status.ok()) return status;
    auto status = FileSystemWrapper::ReopenWritableFile(name, options, result, debug);
    if (!status.ok()) return status;
    const std::uint64_t size = std::filesystem::file_size(name);
    const std::lock_guard lock(mutex_);
    files_.try_emplace(name, State{size, size});
    *result = std::make_unique<File>(*this, name, std::move(*result));
    return status;
  }

  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override {
    if (auto status = step(Operation::Other); !status.ok()) return status;
    auto status = FileSystemWrapper::RenameFile(from, to, options, debug);
    const std::lock_guard lock(mutex_);
    if (const auto found = files_.find(from); status.ok() && found != files_.end()) {
      files_[to] = found->second;
      files_.erase(found);
    }
    // A rename that is not synced may or may not be seen. Here it is: then so is what was done to the directory before
    // it.
    unsynced_names_.clear();
    return status;
  }

  rocksdb::IOStatus DeleteFile(const std::string& name, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override {
    if (auto status = step(Operation::Other); !status.ok()) return status;
    const std::lock_guard lock(mutex_);
    files_.erase(name);
    unsynced_names_.erase(name);
    return FileSystemWrapper::DeleteFile(name, options, debug);
  }

  rocksdb::IOStatus NewDirectory(const std::string& name, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* result, rocksdb::IODebugContext* debug) override {
    auto status = FileSystemWrapper::NewDirectory(name, options, result, debug);
    if (status.ok()) *result = std::make_unique<Directory>(*this, std::move(*result));
    return status;
  }

 private:
  struct State {
    std::uint64_t written = 0;
    std::uint64_t synced = 0;
  };

  class File final : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    File(FaultyFiles& files, std::string name, std::unique_ptr<rocksdb::FSWritableFile> target)
        : FSWritableFileOwnerWrapper(std::move(target)), files_(files), name_(std::move(name)) {}
    using FSWritableFileOwnerWrapper::Append;
    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override {
      if (auto status = files_.step(Operation::Write); !status.ok()) return status;
      const std::size_t fits = files_.take_space(data.size());
      auto status = FSWritableFileOwnerWrapper::Append(rocksdb::Slice(data.data(), fits), options, debug);
      const std::lock_guard lock(files_.mutex_);
      files_.files_[name_].written += fits;
      return fits < data.size() ? no_space() : status;
    }
    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options, const rocksdb::DataVerificationInfo&,
                             rocksdb::IODebugContext* debug) override {
      return Append(data, options, debug);
    }
    // Nothing real is synced: this machine crashes only in the mind.
    rocksdb::IOStatus Sync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override { return synced(); }
    rocksdb::IOStatus Fsync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override { return synced(); }
    rocksdb::IOStatus Truncate(std::uint64_t size, const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override {
      if (auto status = files_.step(Operation::Other); !status.ok()) return status;
      auto status = FSWritableFileOwnerWrapper::Truncate(size, options, debug);
      const std::lock_guard lock(files_.mutex_);
      files_.files_[name_] = {size, size};
      return status;
    }
    // A sync of a part of the file promises nothing.
    rocksdb::IOStatus RangeSync(std::uint64_t, std::uint64_t, const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
      return files_.step(Operation::Sync);
    }

   private:
    rocksdb::IOStatus synced() {
      if (auto status = files_.step(Operation::Sync); !status.ok()) return status;
      const std::lock_guard lock(files_.mutex_);
      auto& state = files_.files_[name_];
      state.synced = state.written;
      if (name_.ends_with(".log")) ++files_.log_syncs_;
      return rocksdb::IOStatus::OK();
    }
    FaultyFiles& files_;
    const std::string name_;
  };

  class Directory final : public rocksdb::FSDirectoryWrapper {
   public:
    Directory(FaultyFiles& files, std::unique_ptr<rocksdb::FSDirectory> target)
        : FSDirectoryWrapper(std::move(target)), files_(files) {}
    rocksdb::IOStatus Fsync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
      if (auto status = files_.step(Operation::Sync); !status.ok()) return status;
      files_.names_synced();
      return rocksdb::IOStatus::OK();
    }
    rocksdb::IOStatus FsyncWithDirOptions(const rocksdb::IOOptions&, rocksdb::IODebugContext*,
                                          const rocksdb::DirFsyncOptions&) override {
      if (auto status = files_.step(Operation::Sync); !status.ok()) return status;
      files_.names_synced();
      return rocksdb::IOStatus::OK();
    }

   private:
    FaultyFiles& files_;
  };

  void names_synced() {
    const std::lock_guard lock(mutex_);
    unsynced_names_.clear();
  }

  rocksdb::IOStatus step(Operation kind) {
    const std::lock_guard lock(mutex_);
    ++operations_;
    if (kind == failing_) {
      if (until_failing_ == 0) {
        failed_ = true;
        return failure_;
      }
      --until_failing_;
    }
    if (left_ == 0) return rocksdb::IOStatus::IOError("the machine has stopped");
    --left_;
    return rocksdb::IOStatus::OK();
  }

  // How much of an append the disk still takes.
  std::size_t take_space(std::size_t size) {
    const std::lock_guard lock(mutex_);
    const std::size_t fits = std::min<std::uint64_t>(size, space_);
    if (space_ != ~0ull) space_ -= fits;
    failed_ = failed_ || fits < size;
    return fits;
  }

  mutable std::mutex mutex_;
  std::optional<Operation> failing_;
  std::uint64_t until_failing_ = 0;
  rocksdb::IOStatus failure_;
  bool failed_ = false;
  std::uint64_t space_ = ~0ull;
  std::uint64_t left_ = ~0ull;
  std::uint64_t operations_ = 0;
  std::uint64_t log_syncs_ = 0;
  std::map<std::string, State> files_;
  std::set<std::string> unsynced_names_;  // created since their directory was last synced
};

}  // namespace ph::apiserver::testing
