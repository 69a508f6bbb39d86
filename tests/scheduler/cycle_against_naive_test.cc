// Whole cycles of the default profile, compared with the obvious loops (naive_nodes.h): on random clusters, and along random histories,
// where most of what a cycle goes by has been kept from the cycles before it. And whether whoever is refused is woken when he would fit.
//
// PH_NAIVE_SEEDS: how many clusters and histories are tried, instead of a few hundred.
#include "tests/scheduler/random_history.h"

namespace ph::scheduler::test {
namespace {

TEST(CycleAgainstNaive, OnRandomClusters) {
  for (std::uint64_t seed = 1; seed <= seeds(300) && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    History history(seed);
    for (int i = 0; i < 30; ++i) history.happen();
    for (int i = 0; i < 4; ++i) history.cycle();
  }
}

TEST(CycleAgainstNaive, AlongRandomHistories) {
  for (std::uint64_t seed = 1; seed <= seeds(100) && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    History history(~seed);
    for (int step = 0; step < 120 && !testing::Test::HasFailure(); ++step) {
      SCOPED_TRACE(step);
      history.happen();
      history.cycle();
    }
  }
}

// Pods that fit nowhere wait in the queue. After each thing that happens those who fit now are no longer unschedulable.
class Waiting {
 public:
  explicit Waiting(History& history) : history_(history), queue_(history.twin().queue()) {}

  void refill() {
    while (queue_.counts().unschedulable < 6 && added_ < 60) {
      Pod pod = history_.waiting_pod();
      history_.rename(pod);
      ++added_;
      pods_[pod.metadata().uid()] = pod;
      queue_.add(*SchedulerPod::of(pod), history_.twin().profile());
      try_all();
    }
  }
  // Whoever has been woken is tried; who fits goes, and takes no room: the others may fit, too.
  void try_all() {
    while (const QueuedRef queued = queue_.pop()) {
      const Pod& pod = pods_.at(queued->uid());
      Diagnosis diagnosis;
      if (!history_.twin().expect_same(pod, true, diagnosis).empty()) {
        pods_.erase(queued->uid());
        queue_.done(queued);
        continue;
      }
      queued->rejectors = queued->profile->set_of(diagnosis.rejectors);
      if (queued->rejectors == 0) {
        pods_.erase(queued->uid());
        queue_.done(queued);  // there are no nodes: it is tried again and again
        continue;
      }
      queue_.put_back(queued);
    }
  }
  void tolerate() {
    if (pods_.empty()) return;
    auto& [uid, pod] = *std::next(pods_.begin(), history_.dice().upto(static_cast<int>(pods_.size()) - 1));
    const auto before = SchedulerPod::of(pod);
    auto* toleration = pod.mutable_spec()->add_tolerations();
    toleration->set_operator_("Exists");
    queue_.update(*before, *SchedulerPod::of(pod), history_.twin().profile());
  }
  void expect_nobody_forgotten() {
    for (const auto& [uid, pod] : pods_) {
      const QueuedPod* queued = queue_.find(uid);
      ASSERT_NE(queued, nullptr);
      if (queued->place == QueuedPod::Place::Unschedulable) EXPECT_FALSE(history_.twin().fits(pod)) << uid << " is stranded";
    }
  }

 private:
  History& history_;
  SchedulingQueue& queue_;
  std::map<std::string, Pod> pods_;
  int added_ = 0;
};

TEST(CycleAgainstNaive, WhoeverFitsIsWoken) {
  for (std::uint64_t seed = 1; seed <= seeds(150) && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    History history(seed, true);
    Waiting waiting(history);
    for (int step = 0; step < 60 && !testing::Test::HasFailure(); ++step) {
      SCOPED_TRACE(step);
      history.happen();
      if (history.dice().once_in(6)) waiting.tolerate();
      waiting.expect_nobody_forgotten();
      waiting.try_all();
      waiting.refill();
    }
  }
}

}  // namespace
}  // namespace ph::scheduler::test
