#include "node/hollow.h"

#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/times.h"
#include "node/hollow_pod.h"
#include "node/lifecycle.h"

namespace ph::node {
namespace {

using coordination::v1::Lease;
using core::v1::Node;
using core::v1::Pod;
using core::v1::PodStatus;
using informers::Patch;

constexpr Duration kRetryFirst = 200ms;
constexpr Duration kRetryMax = 10s;

// A strategic merge leaves a condition's old reason and message unless they are taken away by name.
std::string status_patch(const std::string& uid, const PodStatus& status) {
  nlohmann::json body = api::to_json(status);
  for (auto& condition : body["conditions"]) {
    for (const char* member : {"reason", "message"}) {
      if (!condition.contains(member)) condition[member] = nullptr;
    }
  }
  return nlohmann::json{{"metadata", {{"uid", uid}}}, {"status", std::move(body)}}.dump();
}

std::string heartbeat_patch(Time since, Time now) {
  core::v1::NodeStatus status;
  set_conditions(&status, since, now);
  return R"({"status":)" + api::encode_json(status) + "}";
}

}  // namespace

struct HollowNodes::Impl {
  Impl(NodeWorld world, HollowOptions options)
      : world(std::move(world)),
        options(std::move(options)),
        pods(this->world.informers.informer<HollowPod>()),
        scope(this->world.executor, [this](std::exception_ptr error) { report(error); }) {
    for (int i = 0; i < this->options.count; ++i) index_of[node_name(this->options, i)] = i;
    used_ips.resize(this->options.count);
  }

  // What is known of a pod beyond the API: little, and nothing that a restart could not do without.
  struct PodState {
    std::string uid;
    int node = 0;
    int ip = 0;                    // within the node's range; 0: none
    Time started{};
    std::string written;           // the last status written, as bytes
    bool removed = false;          // the final delete has been sent
    bool queued = false, running = false, again = false;
    int failures = 0;
    TimerId timer = 0;
  };

  Time now() const { return world.executor.clock().now(); }

  void report(std::exception_ptr error) {
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& e) {
      world.log.error("a hollow node's task ended", "error", e.what());
    }
  }

  // -- Nodes

  Task<void> register_node(int index) {
    for (Duration wait = kRetryFirst;; wait = std::min(wait * 2, kRetryMax)) {
      try {
        co_await try_register(index);
        co_return;
      } catch (const std::exception& e) {
        world.log.warning("node not registered yet", "node", node_name(options, index), "error", e.what());
      }
      co_await sleep_for(wait);
    }
  }

  Task<void> try_register(int index) {
    Node wanted = make_node(options, index, now());
    std::optional<Node> node = co_await world.client.find<Node>({{}, wanted.metadata().name()});
    if (!node) {
      try {
        node = co_await world.client.create<Node>(wanted);
      } catch (const api::ApiError& error) {
        if (!error.is("AlreadyExists")) throw;
      }
    }
    // Somebody else made it meanwhile.
    if (!node) node = co_await world.client.get<Node>({{}, wanted.metadata().name()});
    *node->mutable_status() = wanted.status();
    node = co_await world.client.update_status<Node>(*node);
    scope.spawn(keep_lease(index, *node));
    scope.spawn(keep_status(index, now()));
  }

  Task<void> keep_lease(int index, Node node) {
    // Nodes of one process take turns within the period.
    const Duration turn = options.lease_period * index / std::max(options.count, 1);
    std::optional<Lease> lease;
    bool first = true;
    for (;;) {
      try {
        lease = co_await renew(std::move(lease), node);
        ++stats.writes;
      } catch (const std::exception& e) {
        lease.reset();
        world.log.warning("lease not renewed", "node", node.metadata().name(), "error", e.what());
      }
      co_await sleep_for(std::exchange(first, false) ? options.lease_period / 2 + turn / 2 : options.lease_period);
    }
  }

  Task<std::optional<Lease>> renew(std::optional<Lease> lease, Node node) {
    const ObjectKey key{"kube-node-lease", node.metadata().name()};
    if (!lease) lease = co_await world.client.find<Lease>(key);
    if (!lease) {
      Lease made = co_await world.client.create<Lease>(make_lease(options, node, now()));
      co_return std::optional<Lease>(std::move(made));
    }
    api::set_time(lease->mutable_spec()->mutable_renew_time(), now());
    Lease updated = co_await world.client.update<Lease>(*lease);
    co_return std::optional<Lease>(std::move(updated));
  }

  Task<void> keep_status(int index, Time since) {
    const ObjectKey key{{}, node_name(options, index)};
    for (;;) {
      co_await sleep_for(options.status_period);
      try {
        co_await world.client.patch<Node>(key, Patch::strategic(heartbeat_patch(since, now())), "status");
        ++stats.writes;
      } catch (const std::exception& e) {
        world.log.warning("node status not reported", "node", key.name, "error", e.what());
      }
    }
  }

  // -- Pods

  Task<void> follow_pods() {
    auto events = pods.events();
    while (const auto event = co_await events.next()) {
      const auto& pod = event->after ? event->after : event->before;
      if (pod && index_of.contains(pod->node_name)) touch(pod->key());
    }
  }

  void touch(const ObjectKey& key) {
    PodState& state = states[key];
    if (state.running) {
      state.again = true;
    } else if (!state.queued) {
      state.queued = true;
      queue.push(key);
    }
  }

  void touch_at(const ObjectKey& key, PodState& state, Duration delay) {
    world.executor.cancel(state.timer);
    state.timer = world.executor.run_after(std::max(delay, Duration(1ms)), [this, key] {
      if (states.contains(key)) touch(key);
    });
  }

  Task<void> work() {
    while (auto key = co_await queue.next()) {
      PodState& state = states[*key];
      state.queued = false;
      state.running = true;
      co_await attend(*key);
      const auto after = states.find(*key);
      if (after == states.end()) continue;
      after->second.running = false;
      if (std::exchange(after->second.again, false)) touch(*key);
    }
  }

  Task<void> attend(ObjectKey key) {
    try {
      co_await sync(key);
      if (const auto found = states.find(key); found != states.end()) found->second.failures = 0;
    } catch (const std::exception& e) {
      const auto found = states.find(key);
      if (found == states.end()) co_return;
      ++stats.retries;
      const int failures = std::min(found->second.failures++, 6);
      world.log.debug("pod not brought forward yet", "pod", key, "error", e.what());
      touch_at(key, found->second, std::min(kRetryFirst * (1 << failures), kRetryMax));
    }
  }

  Task<void> sync(ObjectKey key) {
    const auto pod = pods.find(key);
    if (!pod || !index_of.contains(pod->node_name)) {
      forget(key);
      co_return;
    }
    PodState& state = adopt(key, *pod);
    const std::string host = options.address.empty() ? node_ip(state.node) : options.address;
    const std::string ip = pod->host_network ? host : pod_ip(state.node, state.ip);
    if (pod->deletion) {
      co_await finish(key, *pod, host, ip);
      co_return;
    }
    if (pod->phase == "Succeeded" || pod->phase == "Failed") {
      release_ip(state);
      co_return;
    }
    const Life life = life_at(*pod, state.started, now(), host, ip);
    co_await write(key, *pod, life.status);
    const auto found = states.find(key);
    if (found != states.end() && life.changes_at) touch_at(key, found->second, *life.changes_at - now());
  }

  // The grace is the containers': hollow ones obey at once. Whoever holds a finalizer is shown the end before the pod goes.
  Task<void> finish(ObjectKey key, HollowPod pod, std::string host, std::string ip) {
    if (states[key].removed) co_return;
    if (pod.has_finalizers && pod.phase != "Succeeded" && pod.phase != "Failed") {
      HollowPod told_to_stop = pod;
      told_to_stop.restart_policy = "Never";
      for (HollowContainer& container : told_to_stop.containers) {
        if (!container.run.exit_code) container.run = {.takes = {}, .exit_code = 0};
      }
      co_await write(key, pod, life_at(told_to_stop, states[key].started, now(), host, ip).status);
    }
    informers::DeleteOptions options;
    options.uid = pod.uid;
    options.grace_seconds = 0;
    co_await world.client.remove<Pod>(key, options);
    ++stats.writes;
    if (const auto found = states.find(key); found != states.end()) found->second.removed = true;
  }

  Task<void> write(ObjectKey key, HollowPod pod, PodStatus status) {
    std::string bytes = api::encode_protobuf(status);
    if (states[key].written == bytes) co_return;
    try {
      co_await world.client.patch<Pod>(key, Patch::strategic(status_patch(pod.uid, status)), "status");
      ++stats.writes;
    } catch (const api::ApiError& error) {
      // Gone, or another pod of that name: the informer will tell.
      if (error.is("NotFound") || error.is("Conflict")) co_return;
      throw;
    }
    if (const auto found = states.find(key); found != states.end()) found->second.written = std::move(bytes);
  }

  // The pod's state; a pod of the same name with another UID starts afresh.
  PodState& adopt(const ObjectKey& key, const HollowPod& pod) {
    PodState& state = states[key];
    if (state.uid != pod.uid) {
      release_ip(state);
      world.executor.cancel(state.timer);
      PodState fresh;
      fresh.running = state.running;
      fresh.again = state.again;
      state = std::move(fresh);
      state.uid = pod.uid;
      state.node = index_of.at(pod.node_name);
      state.started = pod.started.value_or(now());
      if (!pod.host_network) state.ip = take_ip(state.node, pod.pod_ip);
    }
    return state;
  }

  void forget(const ObjectKey& key) {
    const auto found = states.find(key);
    if (found == states.end()) return;
    release_ip(found->second);
    world.executor.cancel(found->second.timer);
    states.erase(found);
  }

  // The address the pod has already, when it is free and of this node; else the lowest free one.
  int take_ip(int node, const std::string& present) {
    std::set<int>& used = used_ips[node];
    const std::string range = pod_ip(node, 1).substr(0, pod_ip(node, 1).rfind('.') + 1);
    if (present.starts_with(range)) {
      const int n = std::atoi(present.c_str() + range.size());
      if (n > 1 && n < 255 && used.insert(n).second) return n;
    }
    int n = 2;
    for (const int taken : used) {
      if (taken == n) ++n;
    }
    if (n >= 255) throw std::runtime_error("no free pod address on " + node_name(options, node));
    used.insert(n);
    return n;
  }

  void release_ip(PodState& state) {
    if (state.ip) used_ips[state.node].erase(state.ip);
    state.ip = 0;
  }

  NodeWorld world;
  HollowOptions options;
  informers::Informer<HollowPod>& pods;
  std::map<std::string, int, std::less<>> index_of;
  std::vector<std::set<int>> used_ips;
  std::map<ObjectKey, PodState> states;
  Channel<ObjectKey> queue;
  Stats stats;
  Scope scope;  // last: its tasks use everything above
};

HollowNodes::HollowNodes(NodeWorld world, HollowOptions options)
    : impl_(std::make_unique<Impl>(std::move(world), std::move(options))) {}
HollowNodes::~HollowNodes() {
  for (auto& [key, state] : impl_->states) impl_->world.executor.cancel(state.timer);
}

Task<void> HollowNodes::start() {
  impl_->scope.spawn(impl_->follow_pods());
  for (int i = 0; i < impl_->options.writers; ++i) impl_->scope.spawn(impl_->work());
  std::vector<Task<void>> registrations;
  for (int i = 0; i < impl_->options.count; ++i) registrations.push_back(impl_->register_node(i));
  for (const auto& result : co_await all(std::move(registrations))) {
    if (result.error) std::rethrow_exception(result.error);
  }
}

std::optional<std::string> HollowNodes::log(const ObjectKey& key, const std::string& container) const {
  const auto pod = impl_->pods.find(key);
  if (!pod || !impl_->index_of.contains(pod->node_name)) return std::nullopt;
  const auto state = impl_->states.find(key);
  if (state == impl_->states.end()) return std::nullopt;
  for (const auto* list : {&pod->containers, &pod->init_containers}) {
    for (const HollowContainer& each : *list) {
      if (each.name == container || (container.empty() && pod->containers.size() == 1)) {
        return log_of(*pod, each, state->second.started, impl_->now());
      }
    }
  }
  return std::nullopt;
}

HollowNodes::Stats HollowNodes::stats() const {
  Stats out = impl_->stats;
  out.pods = impl_->states.size();
  return out;
}

}  // namespace ph::node
