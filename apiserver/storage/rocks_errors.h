// What fails in RocksDB's own threads (flushes, compactions); private to this folder.
#pragma once

#include <rocksdb/listener.h>

#include <functional>
#include <mutex>
#include <optional>
#include <utility>

namespace ph::apiserver {

// RocksDB would wait for space and go on by itself, beginning a new log behind one whose last write is torn: after that
// nobody could tell a torn write from damage. So it is kept from recovering, and the store ends instead.
class BackgroundErrors final : public rocksdb::EventListener {
 public:
  using Handler = std::function<void(const rocksdb::Status&)>;

  // Called once at most, on any thread, maybe at once; not after `watch({})` has returned.
  void watch(Handler handler) {
    const std::lock_guard lock(mutex_);
    handler_ = std::move(handler);
    tell();
  }

  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* error) override {
    // Whoever writes is told by the write.
    if (reason == rocksdb::BackgroundErrorReason::kWriteCallback || reason == rocksdb::BackgroundErrorReason::kMemTable) return;
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = *error;
    tell();
  }
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status, bool* auto_recovery) override {
    *auto_recovery = false;
  }

 private:
  void tell() {
    if (!handler_ || !error_ || std::exchange(told_, true)) return;
    handler_(*error_);
  }

  std::mutex mutex_;
  Handler handler_;
  std::optional<rocksdb::Status> error_;
  bool told_ = false;
};

}  // namespace ph::apiserver
