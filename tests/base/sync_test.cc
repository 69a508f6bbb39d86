#include "base/sync.h"

#include <gtest/gtest.h>

namespace ph {
namespace {

TEST(ThreadExecutor, RunsPostedWorkInOrder) {
  SystemClock clock;
  Completion<std::vector<int>> done;
  ThreadExecutor executor("test", clock);
  auto seen = std::make_shared<std::vector<int>>();
  for (int i = 0; i < 5; ++i) executor.post([seen, i] { seen->push_back(i); });
  std::mutex mutex;
  mutex.lock();
  executor.post([&] { mutex.unlock(); });
  mutex.lock();
  EXPECT_EQ(*seen, (std::vector{0, 1, 2, 3, 4}));
}

}  // namespace
}  // namespace ph
