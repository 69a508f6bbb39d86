// What a backlog costs: pods wait while there is no node, then nodes join one by one, and more pods come. Apiserver and scheduler in one
// process on virtual time; what is printed is the time of the processor, and how often pods were tried.
//
//   build/release/bin/backlog_bench [PODS NODES MORE]     18000 2000 4000
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <fstream>

#include "base/metrics.h"
#include "tests/scheduler/make.h"
#include "tests/sim/cluster.h"

namespace ph::scheduler::test {
namespace {

using core::v1::Node, core::v1::Pod;

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

std::size_t resident_mb() {
  std::ifstream file("/proc/self/statm");
  std::size_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * 4 / 1024;
}

double attempts(sim::Cluster& cluster) {
  double sum = 0;
  std::istringstream lines(cluster.scrape());
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("scheduler_schedule_attempts_total{")) sum += std::stod(line.substr(line.rfind(' ')));
  }
  return sum;
}

std::size_t bound(sim::Cluster& cluster) {
  std::size_t out = 0;
  for (const Pod& pod : cluster.list<Pod>("default")) out += !pod.spec().node_name().empty();
  return out;
}

void create_pods(sim::Cluster& cluster, int from, int count) {
  for (int i = from; i < from + count; ++i) {
    cluster.create<Pod>(make_pod("default/p" + std::to_string(i)).uid("").with(container().image("img:1")).asks("1", "1Gi"));
  }
}

void create_node(sim::Cluster& cluster, int number) {
  const Node node = make_node("n" + std::to_string(number)).has("cpu", "12").has("memory", "64Gi").has("pods", "110");
  Node made = node;
  made.mutable_metadata()->clear_uid();
  made = cluster.create(std::move(made));
  *made.mutable_status() = node.status();
  cluster.update_status(std::move(made));
}

int run(int pods, int nodes, int more) {
  Metrics metrics;
  sim::Cluster cluster(sim::no_loops().scheduler().counted_by(metrics));
  double begun = cpu_seconds();
  const auto told = [&](const std::string& what) {
    fmt::print("{:<28} {:7.2f} s of the processor, {:8.0f} attempts so far, {:6} bound, {:5} MB\n", what, cpu_seconds() - begun,
               attempts(cluster), bound(cluster), resident_mb());
    begun = cpu_seconds();
  };
  create_pods(cluster, 0, pods);
  told(fmt::format("{} pods made", pods));
  cluster.advance(30s);
  told("half a minute without nodes");
  for (int i = 0; i < nodes; ++i) {
    create_node(cluster, i);
    cluster.advance(5ms);
    if (i % (nodes / 4) == nodes / 4 - 1) told(fmt::format("{} nodes joined", i + 1));
  }
  create_pods(cluster, pods, more);
  told(fmt::format("{} more pods made", more));
  cluster.advance(15s);
  told("quarter of a minute later");
  return 0;
}

}  // namespace
}  // namespace ph::scheduler::test

int main(int argc, char** argv) {
  const auto number = [&](int at, int otherwise) { return argc > at ? std::atoi(argv[at]) : otherwise; };
  return ph::scheduler::test::run(number(1, 18000), number(2, 2000), number(3, 4000));
}
