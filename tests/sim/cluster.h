// sim::Cluster: a whole cluster on one thread and virtual time: our apiserver on the memory store, the loops, a scheduler and
// hollow nodes, as they are, with a seed for all that is random. Nothing sleeps: two hours take milliseconds.
//
//   sim::Cluster cluster(sim::loops("deployment,replicaset").nodes(3).scheduler().seed(7));
//   cluster.create(make_deployment("default/web").replicas(3));
//   cluster.advance(10s);
//   EXPECT_EQ(cluster.list<Pod>("default").size(), 3);
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/object.h"
#include "api/schema.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "base/sync.h"
#include "controllers/runtime/options.h"
#include "informers/client.h"
#include "node/node_object.h"
#include "scheduler/extender/spec.h"
#include "tests/sim/executor.h"
#include "tests/sim/faults.h"

namespace ph::sim {

struct Setup {
  std::string loop_names;      // as --controllers; empty: no loops
  bool loops_wait = false;     // the loops begin with `restart_loops`
  bool with_election = false;  // two managers run until `heal`, and the one that holds the lease works
  bool with_scheduler = false;
  std::string scheduler_config;  // a KubeSchedulerConfiguration; empty: the default
  scheduler::ExtenderTransports extender_transports;
  node::HollowOptions hollow_options = {.count = 0};
  std::uint64_t seed_value = 1;
  bool with_access = false;                // authentication, RBAC and admission as in a real server, and its bootstrap objects
  std::vector<std::string> admission_off;  // of the plugins that `with_access` has
  std::vector<std::string> admission_on;   // besides those
  std::string service_ranges;              // addresses of services; empty: the server's default
  Metrics* metrics_of_all = nullptr;
  controllers::Options loop_options = {};
  Faults fault_kinds;   // from the first `advance` on, until `heal`
  std::string command;  // what a person types to see this run again

  Setup& nodes(int count) { return hollow_options.count = count, *this; }
  Setup& nodes(node::HollowOptions options) { return hollow_options = std::move(options), *this; }
  Setup& later() { return loops_wait = true, *this; }
  Setup& scheduler(std::string config = {}) { return with_scheduler = true, scheduler_config = std::move(config), *this; }
  Setup& extenders(scheduler::ExtenderTransports transports) { return extender_transports = std::move(transports), *this; }
  Setup& elected(bool yes = true) { return with_election = yes, *this; }
  Setup& seed(std::uint64_t seed) { return seed_value = seed, *this; }
  Setup& access() { return with_access = true, *this; }
  Setup& without_admission(std::vector<std::string> plugins) { return admission_off = std::move(plugins), *this; }
  Setup& with_admission(std::vector<std::string> plugins) { return admission_on = std::move(plugins), *this; }
  Setup& services_in(std::string ranges) { return service_ranges = std::move(ranges), *this; }
  // Everything counts there; it outlives the cluster.
  Setup& counted_by(Metrics& metrics) { return metrics_of_all = &metrics, *this; }
  Setup& options(controllers::Options options) { return loop_options = std::move(options), *this; }
  Setup& faults(const Faults& faults) { return fault_kinds = faults, *this; }
  Setup& replay(std::string text) { return command = std::move(text), *this; }
};

inline Setup loops(std::string names) { return Setup{.loop_names = std::move(names)}; }
inline Setup no_loops() { return {}; }
// All loops, a scheduler, access, and that many nodes.
inline Setup everything(int nodes) { return loops("*").nodes(nodes).scheduler().access(); }

class Cluster {
 public:
  explicit Cluster(const Setup& setup);
  ~Cluster();

  // -- Time
  Time now() const;
  // Runs every timer on the way and drains all work after each one.
  void advance(Duration by);
  // Advances until `holds`, in steps of virtual time, at most `limit`; whether it held.
  bool run_until(const std::function<bool()>& holds, Duration limit = 10min);
  // Advances until a stretch of `quiet` passes in which nothing but node heartbeats was written.
  bool run_until_quiet(Duration limit = 2h, Duration quiet = 30s);

  // -- What a user does; through the API, at this moment. Failures are thrown (api::ApiError).
  template <class T>
  T create(T object) {
    return call<T>([&](informers::Client& client) { return client.create<T>(object); });
  }
  template <class T>
  T update(T object) {
    return call<T>([&](informers::Client& client) { return client.update<T>(object); });
  }
  template <class T>
  T update_status(T object) {
    return call<T>([&](informers::Client& client) { return client.update_status<T>(object); });
  }
  template <class T>
  T patch(const std::string& key, informers::Patch patch, std::string subresource = {}) {
    return call<T>([&](informers::Client& client) { return client.patch<T>(ObjectKey::parse(key), patch, subresource); });
  }
  template <class T>
  informers::Removed remove(const std::string& key, informers::DeleteOptions options = {}) {
    return call<informers::Removed>([&](informers::Client& client) { return client.remove<T>(ObjectKey::parse(key), options); });
  }
  template <class T>
  T get(const std::string& key) {
    return call<T>([&](informers::Client& client) { return client.get<T>(ObjectKey::parse(key)); });
  }
  template <class T>
  bool has(const std::string& key) {
    return call<std::optional<T>>([&](informers::Client& client) { return client.find<T>(ObjectKey::parse(key)); }).has_value();
  }
  template <class T>
  std::vector<T> list(const std::string& namespace_name = {}, const std::string& label_selector = {}) {
    return call<informers::Listed<T>>([&](informers::Client& client) {
             return client.list<T>({.namespace_name = namespace_name, .label_selector = label_selector});
           })
        .items;
  }
  // Reads and changes one object, as `kubectl edit` would.
  template <class T>
  T edit(const std::string& key, const std::function<void(T&)>& change) {
    T object = get<T>(key);
    change(object);
    return update(std::move(object));
  }
  // As `kubectl scale` does: by the scale subresource.
  template <class T>
  void scale(const std::string& key, int replicas) {
    call<int>(
        [&](informers::Client& client) { return scale_object(client, api::schema_of<T>(), ObjectKey::parse(key), replicas); });
  }
  informers::Client& client();
  // Any other request.
  template <class R>
  R call(const std::function<Task<R>(informers::Client&)>& make) {
    std::optional<R> result;
    run([](const std::function<Task<R>(informers::Client&)>& make, informers::Client& client,
           std::optional<R>& result) -> Task<void> { result.emplace(co_await make(client)); }(make, client(), result));
    return std::move(*result);
  }

  // -- What happened: one line a change of the store: revision, time, author, key, and a digest of the value; and one for each
  // fault that is no mere delay. The same seed gives the same lines, byte for byte.
  const std::vector<std::string>& history() const;
  std::string history_text() const;

  // Every change, as it is made durable: `object` is empty for a deletion.
  struct Write {
    Revision revision;
    std::string key;
    std::string object;  // the message's bytes; of a custom kind the document
    bool created = false;
    std::string author;  // the user who asked for it
    api::GroupVersionKind kind;
  };
  void on_write(std::function<void(const Write&)> watcher);

  // What the store holds from now on under this key of its own, whoever left it there: nobody looks at it first. Nothing: the key goes.
  void plant(const std::string& key, std::optional<std::string> value);

  // What stands before the server, for the components (not for the administrator): it may change a request, and answer it itself. Null:
  // nothing.
  using Front = std::function<std::optional<HttpResponse>(HttpRequest&)>;
  void put_before(Front front);

  // For components that a test brings itself; they end before the cluster does.
  SimExecutor& executor();
  HttpHandler& server();
  // What GET answers an administrator; as a stream that the caller holds.
  HttpResponse get_path(const std::string& target);
  HttpResponse stream_path(const std::string& target);
  // What the metrics show that the setup was given.
  std::string scrape();

  // Crashes the loops (of the first manager) and the scheduler and starts them again, with empty caches.
  void restart_loops();
  // The same with the hollow nodes; `meanwhile` happens while they are down.
  void restart_nodes(const std::function<void()>& meanwhile = {});

  // -- Faults (docs/simulation.md)
  // No more of them: what is down comes back, a second manager goes; what is on its way still arrives. What is to hold in the
  // end can then be waited for.
  void heal();
  // The loops stop where they are, and go on a while later with the caches they have: as when the lease was lost and won again.
  void lose_lease();
  // The wall clock jumps; timers do not notice.
  void jump_clock(Duration by);
  // A second manager runs beside the first until `heal`.
  void add_manager();
  // More than one manager has been at work at once, and no election kept them apart.
  bool had_two_managers() const;
  // What was injected so far, and which rare paths that led to.
  Tally tally() const;
  // What to type to see this run again.
  std::string replay_command() const;
  // Pieces of work done so far.
  std::uint64_t turns() const;

 private:
  static Task<int> scale_object(informers::Client& client, const api::Schema& schema, ObjectKey key, int replicas);
  HttpResponse get(const std::string& target, bool stream);
  // Drains until the task has ended; rethrows its exception.
  void run(Task<void> task);

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ph::sim
