#include "scheduler/cluster/pod_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/rng.h"
#include "tests/scheduler/make.h"

namespace ph::scheduler::test {
namespace {

std::vector<std::string> names(std::span<const PodRef> pods) {
  std::vector<std::string> out;
  for (const PodRef& pod : pods) out.push_back(pod->name);
  return out;
}

// Lists that change, copies of them that are brought up to date now and then, and copies that change themselves.
TEST(PodList, ACopyIsWhatItIsCopiedFrom) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    SeededRng rng(seed);
    std::vector<PodList> lists(2), copies{lists[0], lists[1], lists[0]};
    int number = 0;
    const auto change = [&](PodList& list) {
      if (list.size() > 0 && rng.below(3) == 0) return list.erase(rng.below(list.size()));
      const PodRef pod = make_pod_info(make_pod("p" + std::to_string(++number)));
      if (list.size() > 0 && rng.below(2) == 0) return list.replace(rng.below(list.size()), pod);
      list.add(pod);
    };
    for (int step = 0; step < 500; ++step) {
      if (rng.below(10) == 0) lists[0] = PodList();
      for (std::uint64_t n = rng.below(4); n > 0; --n) change(lists[rng.below(2)]);
      if (rng.below(8) == 0) change(copies[rng.below(3)]);
      PodList& copy = copies[rng.below(3)];
      const PodList& of = rng.below(10) == 0 ? copies[rng.below(3)] : lists[rng.below(2)];
      const auto expected = names(of);
      copy = of;
      ASSERT_EQ(names(copy), expected);
      ASSERT_EQ(names(of), expected);
    }
  }
}

TEST(PodList, FindsByUid) {
  PodList list;
  for (const char* name : {"a", "b", "c"}) list.add(make_pod_info(make_pod(name)));
  EXPECT_EQ(list.find(list[1]->uid), 1u);
  EXPECT_EQ(list.find("nobody"), PodList::kNone);
}

}  // namespace
}  // namespace ph::scheduler::test
