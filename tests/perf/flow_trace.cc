// How long pods wait for a place in a profile that places by flow, in a cluster after the published shape of Google's trace of 2011: its
// kinds of machines and how many there are of each (Reiss et al., "Heterogeneity and dynamicity of clouds at scale", SoCC 2012, table 1),
// 150,000 tasks that run in 1,800 jobs of very different sizes, tasks that arrive by jobs at its rate (48 million in 29 days) and end at
// the same one. Planner, filters, solvers and cache are those of the scheduler; there is no apiserver, and no other work.
//
//   build/release/bin/flow_trace [--use 50] [--seconds 60] [--policy Scores] [--speed 1] [--wall]
//
// Time is that of the trace; each batch takes of it what this thread computes for it (its time on the processor; with --wall that of the
// clock, and solvers side by side). Printed: how long after its arrival a task has its place, and what a batch is made of.
#include <ctime>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/rng.h"
#include "scheduler/config/configuration.h"
#include "scheduler/flow/planner.h"
#include "tests/scheduler/make.h"

namespace ph::scheduler::flow {
namespace {

using namespace scheduler::test;

constexpr double kTasksPerSecond = 48'375'166.0 / (29 * 24 * 3600);
constexpr double kTasksPerJob = 48'375'166.0 / 672'075;
constexpr std::size_t kTriesMost = 8;  // as flow_cycle.cc
constexpr int kRoundsMost = 32;
constexpr double kWindow = 0.010;
constexpr std::int64_t kWholeCpu = 64'000, kWholeMemory = std::int64_t{256} << 30;  // of a machine whose capacity is 1

struct Options {
  int machines = 12'500, tasks = 150'000, jobs = 1'800, use = 50;
  double seconds = 60, speed = 1;
  std::string policy = "Scores";
  bool wall = false;
  std::uint64_t seed = 1;
};

struct Shape {
  double part, cpu, memory;
};
constexpr Shape kShapes[] = {{6732, 0.5, 0.5}, {3863, 0.5, 0.25}, {1001, 0.5, 0.75},
                             {795, 1, 1},      {126, 0.25, 0.25}, {52, 0.5, 0.12}};

struct Job {
  int tasks = 0, number = 0;
  std::int64_t milli_cpu = 0, memory = 0;
};

struct Waiting {
  QueuedRef pod;
  double arrived;
  bool had_no_room = false;  // when it was looked at
};

double seconds_on(clockid_t clock) {
  timespec at{};
  clock_gettime(clock, &at);
  return static_cast<double>(at.tv_sec) + static_cast<double>(at.tv_nsec) / 1e9;
}

double part(std::vector<double>& of, double share) {
  if (of.empty()) return 0;
  std::ranges::sort(of);
  return of[std::min(of.size() - 1, static_cast<std::size_t>(share * static_cast<double>(of.size())))];
}

ProfileSpec profile_of(const Options& options) {
  return Configuration::parse(fmt::format(R"(
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
- schedulerName: flow
  plugins: {{multiPoint: {{enabled: [{{name: FlowPlacement}}]}}}}
  pluginConfig:
  - {{name: FlowPlacement, args: {{policy: {}}}}}
)",
                                          options.policy))
      .profiles.front();
}

class Trace {
 public:
  explicit Trace(const Options& options)
      : options_(options),
        rng_(options.seed),
        profile_(profile_of(options), {.snapshot = &snapshot_}),
        planner_(profile_, make_race(options.wall ? Turns::kSideBySide : Turns::kOneAfterAnother)) {
    add_machines();
    add_running();
  }

  void run() {
    double next_arrival = wait_of(kTasksPerSecond / kTasksPerJob * options_.speed), next_end = 0;
    while (now_ < options_.seconds) {
      while (next_arrival <= now_) {
        arrive(next_arrival);
        next_arrival += wait_of(kTasksPerSecond / kTasksPerJob * options_.speed);
      }
      for (; next_end <= now_; next_end += wait_of(kTasksPerSecond * options_.speed)) end_one();
      const bool changed = std::exchange(may_fit_, false);
      if (fresh_.empty() && (stuck_.empty() || !changed)) {
        now_ = std::max(now_, std::min(next_arrival, next_end));
        if (!fresh_.empty() || next_arrival <= now_) now_ += kWindow;
        continue;
      }
      batch();
    }
  }

  void print() {
    cache_.update(snapshot_);
    std::int64_t cpu = 0, cpu_used = 0, memory = 0, memory_used = 0;
    for (const NodeInfo* node : snapshot_.nodes()) {
      cpu += node->allocatable().milli_cpu;
      cpu_used += node->requested().milli_cpu;
      memory += node->allocatable().memory;
      memory_used += node->requested().memory;
    }
    const auto percent = [](std::int64_t part, std::int64_t whole) {
      return 100.0 * static_cast<double>(part) / static_cast<double>(whole);
    };
    fmt::print("{} machines, {} tasks, CPU {:.1f} %, memory {:.1f} % used, policy {}\n", snapshot_.nodes().size(),
               running_.size(), percent(cpu_used, cpu), percent(memory_used, memory), options_.policy);
    fmt::print("placed {} of {} tasks, waiting {}: after ms p50 {:.1f}, p90 {:.1f}, p99 {:.1f}, most {:.1f}\n", latency_.size(),
               arrived_, fresh_.size() + stuck_.size(), 1e3 * part(latency_, 0.5), 1e3 * part(latency_, 0.9),
               1e3 * part(latency_, 0.99), 1e3 * part(latency_, 1));
    fmt::print(
        "of these {} came when no machine had room for them: after ms p50 {:.1f}, most {:.1f}; left though one had room: {}\n",
        later_.size(), 1e3 * part(later_, 0.5), 1e3 * part(later_, 1), missed_);
    fmt::print("batches {}, rounds {}, ms: batch p50 {:.1f}, p99 {:.1f}; plan p50 {:.1f}, p99 {:.1f}\n", batches_.size(), rounds_,
               1e3 * part(batches_, 0.5), 1e3 * part(batches_, 0.99), 1e3 * part(plans_, 0.5), 1e3 * part(plans_, 0.99));
    const PlacementNetwork::Size size = planner_.network().size();
    fmt::print("network: {} nodes, {} arcs, {:.1f} MB\n", size.nodes, size.arcs, static_cast<double>(size.bytes) / 1e6);
  }

 private:
  double clock() const { return seconds_on(options_.wall ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID); }
  double wait_of(double rate) { return -std::log(1 - rng_.fraction()) / rate; }

  // A few very large jobs, many of one task.
  int any_size() {
    const double size = std::pow(1 - rng_.fraction(), -1.05) - 0.5;
    return static_cast<int>(std::clamp(size, 1.0, 5000.0));
  }
  Job any_job(int tasks) {
    static constexpr double kCpu[] = {0.006, 0.0125, 0.025, 0.03, 0.0625, 0.1}, kMemory[] = {0.002, 0.008, 0.016, 0.03, 0.07};
    Job out{tasks, jobs_made_++};
    out.milli_cpu = static_cast<std::int64_t>(scale_ * kCpu[rng_.below(std::size(kCpu))] * kWholeCpu);
    out.memory = static_cast<std::int64_t>(scale_ * kMemory[rng_.below(std::size(kMemory))] * kWholeMemory);
    return out;
  }
  Pod pod_of(const Job& job) {
    const std::string name = fmt::format("t{}", tasks_made_++);
    Pod out = make_pod("default/" + name)
                  .uid(name)
                  .scheduler("flow")
                  .label("job", std::to_string(job.number))
                  .with(container()
                            .image("image")
                            .asks("cpu", fmt::format("{}m", std::max<std::int64_t>(job.milli_cpu, 1)))
                            .asks("memory", std::to_string(job.memory)));
    return out;
  }

  void add_machines() {
    double parts = 0;
    for (const Shape& shape : kShapes) parts += shape.part;
    for (int i = 0; i < options_.machines; ++i) {
      double at = rng_.fraction() * parts;
      const Shape* shape = kShapes;
      while (at >= shape->part && shape + 1 < std::end(kShapes)) at -= (shape++)->part;
      const std::string name = fmt::format("m{}", i);
      cache_.put_node(share_node(make_node(name)
                                     .label("kubernetes.io/hostname", name)
                                     .label("topology.kubernetes.io/zone", fmt::format("zone-{}", i % 3))
                                     .label("topology.kubernetes.io/rack", fmt::format("rack-{}", i / 40))
                                     .has("cpu", fmt::format("{}m", static_cast<std::int64_t>(shape->cpu * kWholeCpu)))
                                     .has("memory", std::to_string(static_cast<std::int64_t>(shape->memory * kWholeMemory)))
                                     .has("pods", "500")));
    }
    cache_.update(snapshot_);
  }

  // Tasks are made as large as it takes for the scarcer of CPU and memory to be used so far.
  void add_running() {
    std::vector<Job> jobs;
    int tasks = 0;
    for (int i = 0; i < options_.jobs; ++i) tasks += jobs.emplace_back(any_job(any_size())).tasks;
    for (Job& job : jobs) {
      job.tasks = std::max(1, static_cast<int>(static_cast<std::int64_t>(job.tasks) * options_.tasks / tasks));
    }
    double cpu = 0, memory = 0, all_cpu = 0, all_memory = 0;
    for (const Job& job : jobs) {
      cpu += static_cast<double>(job.milli_cpu) * job.tasks;
      memory += static_cast<double>(job.memory) * job.tasks;
    }
    for (const NodeInfo* node : snapshot_.nodes()) {
      all_cpu += static_cast<double>(node->allocatable().milli_cpu);
      all_memory += static_cast<double>(node->allocatable().memory);
    }
    scale_ = options_.use / 100.0 / std::max(cpu / all_cpu, memory / all_memory);
    for (Job& job : jobs) {
      job.milli_cpu = static_cast<std::int64_t>(scale_ * static_cast<double>(job.milli_cpu));
      job.memory = static_cast<std::int64_t>(scale_ * static_cast<double>(job.memory));
    }
    // The large ones first, as they would come to lie in the end.
    std::ranges::sort(jobs, std::greater(),
                      [](const Job& job) { return job.milli_cpu + job.memory / (kWholeMemory / kWholeCpu); });
    std::vector<Left> left;
    for (const NodeInfo* node : snapshot_.nodes())
      left.push_back({node, node->allocatable().milli_cpu, node->allocatable().memory});
    for (const Job& job : jobs) {
      std::size_t next = 0;
      for (int i = 0; i < job.tasks; ++i) start(job, left, next);
    }
    cache_.update(snapshot_);
  }
  struct Left {
    const NodeInfo* node;
    std::int64_t milli_cpu, memory;
    // Of the scarcer of the two, when the task is there.
    double part(const Job& job) const {
      return std::min(static_cast<double>(milli_cpu - job.milli_cpu) / static_cast<double>(node->allocatable().milli_cpu),
                      static_cast<double>(memory - job.memory) / static_cast<double>(node->allocatable().memory));
    }
  };
  // `next`: where there may still be room for a task of the job.
  void start(const Job& job, std::vector<Left>& left, std::size_t& next) {
    Left* best = nullptr;
    for (int tries = 0; tries < 16; ++tries) {
      Left& one = left[rng_.below(left.size())];
      if (one.part(job) >= 0 && (!best || one.part(job) > best->part(job))) best = &one;
    }
    for (; !best && next < left.size(); ++next) {
      if (left[next].part(job) >= 0) best = &left[next];
      if (best) break;
    }
    if (!best) return;
    best->milli_cpu -= job.milli_cpu;
    best->memory -= job.memory;
    PodRef placed = placed_on(*make_pod_info(pod_of(job)), best->node->name());
    running_.push_back(placed->uid);
    cache_.put_pod(std::move(placed));
  }

  void arrive(double at) {
    const Job job = any_job(std::max(1, static_cast<int>(any_size() * kTasksPerJob / kMeanSize)));
    for (int i = 0; i < job.tasks; ++i) {
      auto queued = std::make_shared<QueuedPod>();
      queued->pod = std::make_shared<const Pod>(pod_of(job));
      queued->info = make_pod_info(*queued->pod);
      queued->profile = &profile_;
      queued->place = QueuedPod::Place::InFlight;
      fresh_.push_back({std::move(queued), at});
      ++arrived_;
    }
  }
  void end_one() {
    if (running_.empty()) return;
    const std::size_t at = rng_.below(running_.size());
    cache_.remove_pod(running_[at]);
    running_[at] = std::move(running_.back());
    running_.pop_back();
    may_fit_ = true;
  }

  void batch() {
    std::vector<Waiting> all(std::make_move_iterator(fresh_.begin()), std::make_move_iterator(fresh_.end()));
    all.insert(all.end(), std::make_move_iterator(stuck_.begin()), std::make_move_iterator(stuck_.end()));
    fresh_.clear();
    stuck_.clear();
    std::vector<QueuedRef> pods;
    std::map<std::string_view, Waiting> known;
    for (const Waiting& one : all) {
      pods.push_back(one.pod);
      known.emplace(one.pod->uid(), one);
    }
    const double begun = clock(), begun_at = now_;
    std::vector<Group> groups = planner_.group(pods, {});
    for (int round = 0; round < kRoundsMost; ++round) {
      ++rounds_;
      const double planned = clock();
      cache_.update(snapshot_);
      planner_.plan(groups, {}, {snapshot_, cache_.changes(), nominated_}, {});
      plans_.push_back(clock() - planned);
      std::size_t placed = 0;
      for (Group& group : groups) {
        std::erase_if(group.pods, [&](const QueuedRef& pod) {
          if (!place(pod, group.nodes)) return false;
          const Waiting& one = known.at(pod->uid());
          (one.had_no_room ? later_ : latency_).push_back(begun_at + (clock() - begun) - one.arrived);
          ++placed;
          return true;
        });
      }
      std::erase_if(groups, [](const Group& group) { return group.pods.empty(); });
      if (groups.empty() || placed == 0) break;
    }
    batches_.push_back(clock() - begun);
    now_ += batches_.back();
    const auto stay = [&](const QueuedRef& pod) {
      stuck_.push_back({pod, known.at(pod->uid()).arrived, true});
      missed_ += has_room(pod);
    };
    for (const Group& group : groups) std::ranges::for_each(group.pods, stay);
    std::ranges::for_each(pods, stay);
  }

  // Not measured.
  bool has_room(const QueuedRef& pod) {
    CycleState state(pod->info);
    cache_.update(snapshot_);
    if (!profile_.pre_filter(state, *pod->pod, snapshot_.nodes()).verdict.success()) return false;
    return std::ranges::any_of(
        snapshot_.nodes(), [&](const NodeInfo* node) { return profile_.filter(state, *pod->pod, *node, nominated_).success(); });
  }

  // As Scheduler::choose_of, and assumed.
  bool place(const QueuedRef& pod, std::deque<std::string>& nodes) {
    if (nodes.empty()) return false;
    CycleState state(pod->info);
    cache_.update(snapshot_);
    if (!profile_.pre_filter(state, *pod->pod, snapshot_.nodes()).verdict.success()) return false;
    for (std::size_t i = 0; i < std::min(nodes.size(), kTriesMost); ++i) {
      const NodeInfo* node = snapshot_.find(nodes[i]);
      if (!node || !profile_.filter(state, *pod->pod, *node, nominated_).success()) continue;
      if (!cache_.assume(placed_on(*pod->info, node->name()))) return false;
      cache_.put_pod(placed_on(*pod->info, node->name()));
      running_.push_back(pod->uid());
      nodes.erase(nodes.begin() + static_cast<std::ptrdiff_t>(i));
      return true;
    }
    return false;
  }

  static constexpr double kMeanSize = 10.9;  // of any_size

  const Options options_;
  SeededRng rng_;
  Cache cache_;
  Snapshot snapshot_;
  Nominator nominated_;
  Profile profile_;
  Planner planner_;
  double scale_ = 1, now_ = 0;
  int jobs_made_ = 0, tasks_made_ = 0;
  std::size_t arrived_ = 0;
  bool may_fit_ = false;
  int rounds_ = 0;
  std::vector<std::string> running_;
  std::deque<Waiting> fresh_, stuck_;
  std::size_t missed_ = 0;
  std::vector<double> latency_, later_, batches_, plans_;
};

int run(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    if (flag == "--wall") {
      options.wall = true;
      continue;
    }
    if (i + 1 == argc) return 2;
    const char* value = argv[++i];
    if (flag == "--use") {
      options.use = std::atoi(value);
    } else if (flag == "--seconds") {
      options.seconds = std::atof(value);
    } else if (flag == "--speed") {
      options.speed = std::atof(value);
    } else if (flag == "--machines") {
      options.machines = std::atoi(value);
    } else if (flag == "--tasks") {
      options.tasks = std::atoi(value);
    } else if (flag == "--jobs") {
      options.jobs = std::atoi(value);
    } else if (flag == "--seed") {
      options.seed = static_cast<std::uint64_t>(std::atoll(value));
    } else if (flag == "--policy") {
      options.policy = value;
    } else {
      fmt::print(stderr, "unknown flag {}\n", flag);
      return 2;
    }
  }
  Trace trace(options);
  trace.run();
  trace.print();
  return 0;
}

}  // namespace
}  // namespace ph::scheduler::flow

int main(int argc, char** argv) { return ph::scheduler::flow::run(argc, argv); }
