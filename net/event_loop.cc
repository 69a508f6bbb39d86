#include "net/event_loop.h"

#include <pthread.h>
#include <signal.h>

#include <boost/asio/executor_work_guard.hpp>

#include <string>

#include "base/anywhere.h"
#include "net/io.h"

namespace ph::net {

IoThreads::Impl::Impl(unsigned count) {
  for (unsigned i = 0; i < count; ++i) loops.push_back(std::make_unique<IoLoop>());
  for (auto& loop : loops) {
    threads.emplace_back([loop = loop.get()] {
      // Signals are for the main thread.
      sigset_t all;
      sigfillset(&all);
      pthread_sigmask(SIG_BLOCK, &all, nullptr);
      const Anywhere anywhere;
      const auto work = asio::make_work_guard(loop->context);
      loop->context.run();
    });
    pthread_setname_np(threads.back().native_handle(), ("io-" + std::to_string(threads.size() - 1)).c_str());
  }
}

IoThreads::Impl::~Impl() {
  for (auto& loop : loops) loop->context.stop();
  for (auto& thread : threads) thread.join();
  // Transports that have just been destroyed have posted the end of their connections.
  for (auto& loop : loops) {
    loop->context.restart();
    loop->context.poll();
  }
}

IoThreads::IoThreads(unsigned count) : impl_(std::make_unique<Impl>(count == 0 ? 1 : count)) {}
IoThreads::~IoThreads() = default;

}  // namespace ph::net
