// The profile that places by flow against the default one, on the same pods and nodes: pods a second of this thread's time on the processor,
// how evenly CPU is used (standard deviation over the nodes, in percent of a node), how many pods find an image of theirs where they go,
// and how many are left without a place. Queue, apiserver and binding are not part of it: scheduler_shapes measures with them.
//
//   build/release/bin/flow_compare
//
// "full": pods of mixed sizes that ask for 98 % of all CPU. The shapes from 200 nodes on are the range of Poseidon's own table.
#include <ctime>

#include <algorithm>
#include <cmath>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/rng.h"
#include "scheduler/flow/planner.h"
#include "scheduler/scheduler.h"
#include "tests/scheduler/make.h"
#include "tests/sim/executor.h"

namespace ph::scheduler::flow {
namespace {

using namespace scheduler::test;

constexpr std::size_t kTriesMost = 8, kBatch = 5000;  // as flow_cycle.cc, and of its arguments
constexpr int kRoundsMost = 32;
constexpr int kImages = 50;
constexpr std::int64_t kNodeCpu = 8000;

struct Work {
  const char* name;
  int nodes, pods;                  // pods 0: as many as ask for 98 % of the CPU
  std::vector<std::int64_t> sizes;  // milli CPU
};

class NoTransport final : public Transport {
 public:
  Task<HttpResponse> send(HttpRequest, bool) override { co_return HttpResponse{}; }
};

double seconds() {
  timespec at{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
  return static_cast<double>(at.tv_sec) + static_cast<double>(at.tv_nsec) / 1e9;
}

std::vector<QueuedRef> pods_of(const Work& work, const Profile& profile) {
  SeededRng rng(7);
  std::vector<QueuedRef> out;
  std::int64_t left = static_cast<std::int64_t>(work.nodes) * kNodeCpu * 98 / 100;
  for (int i = 0; work.pods > 0 ? i < work.pods : left > 0; ++i) {
    const std::int64_t cpu = work.sizes[rng.below(work.sizes.size())];
    left -= cpu;
    auto one = std::make_shared<QueuedPod>();
    one->pod = std::make_shared<const Pod>(make_pod(fmt::format("default/p{}", i))
                                               .with(container()
                                                         .image(fmt::format("img-{}:1", rng.below(kImages)))
                                                         .asks("cpu", fmt::format("{}m", cpu))
                                                         .asks("memory", "64Mi")));
    one->info = make_pod_info(*one->pod);
    one->profile = &profile;
    one->place = QueuedPod::Place::InFlight;
    out.push_back(std::move(one));
  }
  return out;
}

struct Result {
  double seconds = 0, spread = 0, hits = 0;
  std::size_t placed = 0, pods = 0;
};

class Stand {
 public:
  Stand(const Work& work, const std::string& policy)
      : scheduler_({.executor = executor_,
                    .clock = executor_.clock(),
                    .rng = rng_,
                    .client = client_,
                    .informers = informers_,
                    .log = {}},
                   configuration(policy)),
        profile_(*scheduler_.profile(policy.empty() ? "default-scheduler" : "flow")) {
    SeededRng rng(3);
    for (int i = 0; i < work.nodes; ++i) {
      MakeNode node =
          make_node(fmt::format("node-{}", i)).has("cpu", fmt::format("{}m", kNodeCpu)).has("memory", "64Gi").has("pods", "110");
      for (int image = 0; image < kImages; ++image) {
        if (rng.below(10) == 0) node = std::move(node).image(fmt::format("img-{}:1", image), std::int64_t{500} << 20);
      }
      scheduler_.cache().put_node(share_node(node));
    }
    pods_ = pods_of(work, profile_);
    if (!policy.empty()) planner_ = std::make_unique<Planner>(profile_, make_race(Turns::kOneAfterAnother));
  }

  Result run() {
    const std::vector<QueuedRef> all = pods_;
    const double begun = seconds();
    if (planner_) {
      for (std::size_t i = 0; i < all.size(); i += kBatch) {
        batch({all.begin() + static_cast<std::ptrdiff_t>(i),
               all.begin() + static_cast<std::ptrdiff_t>(std::min(i + kBatch, all.size()))});
      }
    } else {
      for (const QueuedRef& pod : all) place_alone(pod);
    }
    Result out{.seconds = seconds() - begun, .placed = placed_, .pods = all.size()};
    measure(all, out);
    return out;
  }

 private:
  static Configuration configuration(const std::string& policy) {
    if (policy.empty()) return Configuration::defaults();
    return Configuration::parse(fmt::format(R"(
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
- schedulerName: flow
  plugins: {{multiPoint: {{enabled: [{{name: FlowPlacement}}]}}}}
  pluginConfig:
  - {{name: FlowPlacement, args: {{policy: {}}}}}
)",
                                            policy));
  }

  void place_alone(const QueuedRef& pod) {
    CycleState state(pod->info);
    Diagnosis diagnosis;
    const auto placement = scheduler_.place_like_others(profile_, state, *pod->pod, diagnosis);
    if (placement.node) assume(pod, *placement.node);
  }
  void assume(const QueuedRef& pod, const NodeInfo& node) {
    placed_ += scheduler_.cache().assume(placed_on(*pod->info, node.name()));
  }

  void batch(std::vector<QueuedRef> pods) {
    std::vector<Group> groups = planner_->group(pods, {});
    for (int round = 0; round < kRoundsMost; ++round) {
      scheduler_.cache().update(snapshot_);
      planner_->plan(groups, {}, {snapshot_, scheduler_.cache().changes(), nominated_}, {});
      std::size_t now = 0;
      for (Group& group : groups) {
        now += std::erase_if(group.pods, [&](const QueuedRef& pod) { return place(pod, group.nodes); });
      }
      if (now == 0) break;
    }
    for (const Group& group : groups) {
      for (const QueuedRef& pod : group.pods) place_alone(pod);
    }
    for (const QueuedRef& pod : pods) place_alone(pod);
  }
  // As Scheduler::choose_of, and assumed.
  bool place(const QueuedRef& pod, std::deque<std::string>& nodes) {
    if (nodes.empty()) return false;
    CycleState state(pod->info);
    scheduler_.cache().update(snapshot_);
    if (!profile_.pre_filter(state, *pod->pod, snapshot_.nodes()).verdict.success()) return false;
    for (std::size_t i = 0; i < std::min(nodes.size(), kTriesMost); ++i) {
      const NodeInfo* node = snapshot_.find(nodes[i]);
      if (!node || !profile_.filter(state, *pod->pod, *node, nominated_).success()) continue;
      assume(pod, *node);
      nodes.erase(nodes.begin() + static_cast<std::ptrdiff_t>(i));
      return true;
    }
    return false;
  }

  void measure(const std::vector<QueuedRef>& all, Result& out) {
    scheduler_.cache().update(snapshot_);
    double sum = 0, squares = 0;
    for (const NodeInfo* node : snapshot_.nodes()) {
      const double use = 100.0 * static_cast<double>(node->requested().milli_cpu) / static_cast<double>(kNodeCpu);
      sum += use;
      squares += use * use;
    }
    const auto nodes = static_cast<double>(snapshot_.nodes().size());
    out.spread = std::sqrt(std::max(0.0, squares / nodes - sum / nodes * (sum / nodes)));
    for (const QueuedRef& pod : all) {
      const PodRef placed = scheduler_.cache().find_pod(pod->uid());
      const NodeInfo* node = placed ? snapshot_.find(placed->node_name.view()) : nullptr;
      out.hits += node && node->image(pod->info->images.front());
    }
    out.hits *= 100.0 / static_cast<double>(std::max<std::size_t>(placed_, 1));
  }

  sim::SimExecutor executor_;
  SeededRng rng_{1};
  NoTransport transport_;
  informers::Client client_{transport_, "compare"};
  informers::Informers informers_{executor_, client_, rng_, {}};
  Scheduler scheduler_;
  const Profile& profile_;
  std::unique_ptr<Planner> planner_;
  Snapshot snapshot_;
  Nominator nominated_;
  std::vector<QueuedRef> pods_;
  std::size_t placed_ = 0;
};

void compare(const Work& work) {
  for (const char* policy : {"", "Scores", "LoadSpreading", "Packing", "Locality"}) {
    const Result result = Stand(work, policy).run();
    fmt::print("{:<10} {:>5} nodes {:>6} pods  {:<14} {:>7.0f} pods/s  spread {:>5.1f}  images {:>5.1f} %  left {}\n", work.name,
               work.nodes, result.pods, *policy ? policy : "default", static_cast<double>(result.pods) / result.seconds,
               result.spread, result.hits, result.pods - result.placed);
    std::fflush(stdout);
  }
}

}  // namespace
}  // namespace ph::scheduler::flow

int main() {
  using ph::scheduler::flow::compare;
  compare({"basic", 5000, 10'000, {100}});
  compare({"burst", 1000, 50'000, {100}});
  compare({"full", 1000, 0, {250, 500, 1000, 2000, 3000}});
  compare({"poseidon", 200, 3'000, {100, 200, 500}});
  compare({"poseidon", 500, 7'000, {100, 200, 500}});
  compare({"poseidon", 1000, 13'000, {100, 200, 500}});
  compare({"poseidon", 2700, 35'000, {100, 200, 500}});
  return 0;
}
