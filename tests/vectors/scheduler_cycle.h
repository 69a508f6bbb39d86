// One attempt to place the pod of a row, in the forms of the scheduler's rows.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "apiserver/server.h"
#include "apiserver/storage/store.h"
#include "base/sync.h"
#include "net/event_loop.h"
#include "scheduler/scheduler.h"
#include "tests/sim/executor.h"
#include "tests/vectors/match.h"
#include "tests/vectors/scheduler_row_objects.h"

namespace ph::vectors {

// Of the row, or the default. Throws what reading it throws.
scheduler::Configuration configuration_of(const Json& row);

// A scheduler that does not run: its cache holds the row's nodes and pods, its queue those that wait, and its informers and
// client meet a server that has all objects.
class IdleScheduler {
 public:
  // Pods have the UIDs that the server has given them, and the objects name them so; or all are as recorded, for those who ask
  // about pods of their own.
  enum class Uids { Served, Recorded };
  IdleScheduler(const Json& row, scheduler::Configuration configuration, Uids uids = Uids::Served);
  ~IdleScheduler();

  scheduler::Scheduler* operator->() { return &scheduler_; }
  const scheduler::Profile* profile(const core::v1::Pod& pod) { return scheduler_.profile(pod.spec().scheduler_name()); }
  // The pod to place, as the server has it.
  const core::v1::Pod& pod() const { return pod_; }
  // What has begun comes to its end.
  void settle() { executor_.advance(1s); }
  template <class T>
  T run(Task<T> work) {
    std::optional<T> out;
    scope_.spawn([](Task<T> work, std::optional<T>& out) -> Task<void> { out = co_await work; }(std::move(work), out));
    settle();
    return std::move(out.value());
  }
  // Keys of pods that are there and are not being deleted.
  std::set<std::string> living_pods();

 private:
  Json stored(Json pod);
  void put_pod(const Json& document);
  void store_others(const Json& objects);
  void store_object(const char* api_version, const char* kind, const char* plural, bool namespaced, Json object);
  Json send(const char* method, std::string path, const Json& body = {});

  std::optional<net::IoThreads> io_;  // for extenders
  sim::SimExecutor executor_;
  SeededRng rng_{1};
  std::unique_ptr<apiserver::Store> store_;
  apiserver::ApiServer server_;
  Scope scope_;
  std::unique_ptr<Transport> transport_;
  informers::Client client_;
  informers::Informers informers_;
  std::map<std::string, std::string> uids_;  // recorded → served
  scheduler::test::StoredObjects objects_;
  scheduler::Scheduler scheduler_;
  core::v1::Pod pod_;
};

class Cycle {
 public:
  Cycle(const Json& row, scheduler::Configuration configuration);

  // feasible, rejected, preFilter, preFilterNodes, totals.
  Json verdicts();
  // What is done to make room when nothing is feasible: nominatedNodeName, deleted. After `verdicts`. Nothing: nobody is asked.
  std::optional<Json> preempt();

  // The node that is taken, or the message and the plugins whose events wake the pod. After `verdicts`.
  struct Choice {
    std::string node, message;
    std::set<std::string> plugins;
  };
  Choice choose();

 private:
  void add_scores(scheduler::CycleState& state, const std::vector<const scheduler::NodeInfo*>& feasible, Json& out);

  IdleScheduler scheduler_;
  const core::v1::Pod& pod_;
  const scheduler::PodRef info_;
  const scheduler::Profile* profile_;
  scheduler::Snapshot snapshot_;
  scheduler::Rejections rejections_;
  std::optional<scheduler::CycleState> state_;
  std::optional<scheduler::PostFilterResult> made_room_;
};

}  // namespace ph::vectors
