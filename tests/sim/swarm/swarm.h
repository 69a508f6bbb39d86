// A swarm: one loop (or the scheduler) under a random workload and random faults, run with many seeds. Each swarm says what must
// *never* happen, what must hold *in the end*, and, as for all, that *at rest* nothing is written. docs/simulation.md.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/cluster.h"
#include "tests/sim/swarm/shadow.h"

namespace ph::sim::swarm {

// What a workload is drawn from.
class Draw {
 public:
  explicit Draw(std::uint64_t seed) : rng_(seed) {}
  Rng& rng() { return rng_; }
  bool chance(double probability) { return rng_.fraction() < probability; }
  // Both ends included.
  int between(int least, int most) { return least + static_cast<int>(rng_.below(static_cast<std::uint64_t>(most - least + 1))); }
  template <class T>
  const T& of(const std::vector<T>& items) {
    return items[rng_.below(items.size())];
  }
  Duration up_to(Duration most) {
    return Duration(static_cast<Duration::rep>(rng_.fraction() * static_cast<double>(most.count())));
  }

 private:
  SeededRng rng_;
};

// Takes down what went wrong, and which rare paths were reached.
class Judge {
 public:
  // Something that must never happen has: counted once for each text.
  void never(std::string what);
  // A rare path, for the table.
  void reached(const std::string& path) { ++paths_[path]; }

  bool failed() const { return !complaints_.empty(); }
  const std::vector<std::string>& complaints() const { return complaints_; }
  const std::map<std::string, std::uint64_t>& paths() const { return paths_; }
  // Where in the history the first complaint came.
  void at(const Cluster* cluster) { cluster_ = cluster; }
  std::size_t history_size() const { return history_size_; }

 private:
  const Cluster* cluster_ = nullptr;
  std::vector<std::string> complaints_;
  std::map<std::string, std::uint64_t> paths_;
  std::size_t history_size_ = 0;
};

// Everything, with a second manager now and then, and (for loops that can bear it) requests that arrive when nobody waits any more.
inline Faults two_managers(Duration every, double late_request = 0) {
  Faults out = all();
  out.second_manager_every = every;
  out.late_request = late_request;
  return out;
}

// One seed's workload and rules. The cluster is made from `setup`, then `begin` is called once, and `act` for each step.
class Swarm {
 public:
  virtual ~Swarm() = default;

  virtual Setup setup(Draw& draw) = 0;
  virtual Faults faults() const { return all(); }
  // Begins to watch every write (*never*), and makes the first objects.
  virtual void begin() = 0;
  // What users, nodes and others do next.
  virtual void act() = 0;
  // After the last `act`, without faults, again and again until nothing is missing: what nobody here simulates comes to its end
  // (pods become ready, finalizers go).
  virtual void settle() {}
  // *In the end*: what is not as it should be, computed from what users asked for, by other code than the loop's.
  virtual std::vector<std::string> missing() = 0;

  // *At rest*: called before the fresh start; and what that may write all the same, as a line of the history.
  virtual void rest() {}
  virtual bool may_write_at_rest(const std::string&) const { return false; }

  // `weather`: the faults of this seed.
  void enter(Cluster& cluster, Draw& draw, Judge& judge, const Faults& weather) {
    cluster_ = &cluster, draw_ = &draw, judge_ = &judge, weather_ = weather;
  }

 protected:
  Cluster& cluster() { return *cluster_; }
  Draw& draw() { return *draw_; }
  const Faults& weather() const { return weather_; }
  Judge& judge() { return *judge_; }
  // Promises that hold for one manager only.
  bool alone() const { return !cluster_->had_two_managers(); }
  // A user's request that may well be refused: whether it was carried out.
  bool attempt(const std::function<void()>& request);
  // The same with one of what there is.
  template <class T>
  bool edit_one(const Shadow<T>& of, const std::function<void(T&)>& change) {
    const auto keys = of.keys();
    return !keys.empty() && attempt([&] { cluster().edit<T>(draw().of(keys), change); });
  }
  template <class T>
  bool remove_one(const Shadow<T>& of, const informers::DeleteOptions& options = {}) {
    const auto keys = of.keys();
    return !keys.empty() && attempt([&] { cluster().remove<T>(draw().of(keys), options); });
  }

  Steady steady() { return cluster().executor().clock().steady(); }
  // The latest time that the wall clock has ever shown: what was due by then may have been judged to be.
  Time latest() { return cluster().now() + cluster().executor().sim_clock().behind(); }
  // How old the state may be that the loop goes by, and how long its requests may take, with the faults of this seed.
  Duration cache_age_most() const;
  Duration request_most() const;

 private:
  Cluster* cluster_ = nullptr;
  Draw* draw_ = nullptr;
  Judge* judge_ = nullptr;
  Faults weather_;
};

struct Entry {
  std::string_view name;
  std::unique_ptr<Swarm> (*make)();
};
// In the order of registry.def.
std::span<const Entry> registry();
// Null when there is none of that name.
const Entry* find(std::string_view name);

// What one seed came to.
struct Result {
  std::uint64_t seed = 0;
  std::vector<std::string> complaints;  // empty: all is well
  std::vector<std::string> history;     // up to the first complaint
  std::uint64_t digest = 0;             // of the whole history: the same wherever and whenever the seed is run
  Tally tally;
  Duration simulated{};
  std::uint64_t turns = 0, writes = 0;
};
// `tell`: is told the whole history as it happens, with what is written.
using Tell = std::function<void(const std::string&)>;
Result run(const Entry& entry, std::uint64_t seed, const Tell& tell = {});

}  // namespace ph::sim::swarm
