// Room for the bodies of requests, for all connections of a server together.
//
// Who has room for a whole body can always take it in: nobody waits for another who waits. One user has only a share of it,
// so that who sends slowly, or a lot, holds up nobody but himself.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace ph::net {

// Room that is held; dropping the last copy gives it back. Threads: any.
using Room = std::shared_ptr<const void>;

class BodyRoom : public std::enable_shared_from_this<BodyRoom> {
 public:
  struct Limits {
    std::size_t bytes_max = 64 * 1024 * 1024;
    std::size_t bytes_max_of_user = 16 * 1024 * 1024;
    std::size_t waiting_max = 1024;
    std::size_t waiting_max_of_user = 256;
  };
  explicit BodyRoom(const Limits& limits) : limits_(limits) {}

  // Called once, on this thread or on that of whoever gives room back.
  using Ready = std::function<void(Room)>;

  // A place in the queue, which is left by dropping it; null when too many wait already. A body that is larger than all there
  // is gets it when nobody else has any. Threads: any.
  std::shared_ptr<void> ask(const std::string& user, std::size_t size, Ready ready);

  std::size_t held() const;

 private:
  struct Wait {
    std::string user;
    std::size_t size;
    Ready ready;
  };
  struct Held;
  struct User {
    std::size_t held = 0, waiting = 0;
  };
  void give_back(const std::string& user, std::size_t size);
  void serve(std::unique_lock<std::mutex> lock);
  void forget_if_idle(const std::string& user);

  const Limits limits_;
  mutable std::mutex mutex_;
  std::size_t held_ = 0;
  std::map<std::string, User> users_;  // those who hold something or wait
  struct Queued {
    std::string user;
    std::weak_ptr<Wait> wait;
  };
  std::deque<Queued> queue_;
};

}  // namespace ph::net
