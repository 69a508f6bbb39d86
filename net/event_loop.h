// The threads that sockets are served on.
#pragma once

#include <memory>

namespace ph::net {

// Threads that each run an event loop; a connection stays on one of them for its life. Servers and clients share them.
// Must outlive all servers and transports made with it.
class IoThreads {
 public:
  explicit IoThreads(unsigned count = 2);
  ~IoThreads();
  IoThreads(const IoThreads&) = delete;
  IoThreads& operator=(const IoThreads&) = delete;

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace ph::net
