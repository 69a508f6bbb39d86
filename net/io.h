// The event loops behind IoThreads. Only for .cc files of this room and headers that only they include.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "base/time.h"
#include "net/event_loop.h"

namespace ph::net {

namespace asio = boost::asio;

// One thread's loop, and what its connections share because only one of them runs at a time.
struct IoLoop {
  static constexpr std::size_t kReadSize = 64 * 1024;

  asio::io_context context{1};
  std::unique_ptr<char[]> read_buffer{new char[kReadSize]};   // bytes from a socket
  std::unique_ptr<char[]> plain_buffer{new char[kReadSize]};  // the same, decrypted
  std::string write_buffer;                                   // bytes to be encrypted
  std::string date;                                           // as answers have it, of the second `dated`
  Time dated{};
};

struct IoThreads::Impl {
  explicit Impl(unsigned count);
  ~Impl();

  // The loops in turn.
  IoLoop& next() { return *loops[turn.fetch_add(1, std::memory_order_relaxed) % loops.size()]; }

  std::vector<std::unique_ptr<IoLoop>> loops;
  std::vector<std::thread> threads;
  std::atomic<unsigned> turn = 0;
};

}  // namespace ph::net
