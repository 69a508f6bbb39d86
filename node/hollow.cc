#include "node/hollow.h"

#include <algorithm>
#include <bitset>
#include <map>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/times.h"
#include "informers/request.h"
#include "node/hollow_pod.h"
#include "node/lifecycle.h"

namespace ph::node {
namespace {

using coordination::v1::Lease;
using core::v1::Node;
using core::v1::Pod;
using core::v1::PodStatus;
using informers::Patch;
using PodRef = informers::Ref<HollowPod>;

constexpr Duration kRetryFirst = 200ms;
constexpr Duration kRetryMax = 10s;
constexpr Duration kStatusRetry = 10s;
constexpr Time kOldestStart{24h};  // the epoch itself reads as no time at all
constexpr int kIpsEnd = 255;       // of a node's /24

// `member`, `"name":value`, becomes the last of an object's JSON.
void add_member(std::string& object, std::string_view member) {
  object.pop_back();
  if (object.size() > 1) object += ',';
  object += member;
  object += '}';
}

// A strategic merge leaves a condition's old reason and message unless they are taken away by name.
std::string condition_text(const core::v1::PodCondition& condition) {
  std::string out = api::encode_json(condition);
  if (condition.reason().empty()) add_member(out, R"("reason":null)");
  if (condition.message().empty()) add_member(out, R"("message":null)");
  return out;
}

// What the status shows that is not ours goes, too.
std::string whole(const std::string& status) {
  nlohmann::json body = nlohmann::json::parse(status);
  for (const char* member : {"reason", "message", "initContainerStatuses"}) {
    if (!body.contains(member)) body[member] = nullptr;
  }
  for (const char* list : {"hostIPs", "podIPs"}) body[list].push_back({{"$patch", "replace"}});
  return body.dump();
}

// Written as text: there is one with every step of every pod's life.
std::string status_patch(const std::string& uid, PodStatus status, bool shows_others) {
  std::string conditions;
  for (const auto& condition : status.conditions()) conditions += (conditions.empty() ? "" : ",") + condition_text(condition);
  status.clear_conditions();
  std::string body = api::encode_json(status);
  add_member(body, "\"conditions\":[" + conditions + "]");
  if (shows_others) body = whole(body);
  return fmt::format(R"({{"metadata":{{"uid":{}}},"status":{}}})", nlohmann::json(uid).dump(), body);
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
    int ip = 0;                   // within the node's range; 0: none
    Time started{};               // as its status says …
    Steady since{};               // … and when that was: the wall clock may jump, what has happened has happened
    std::optional<Time> stopped;  // when it was told to stop
    std::size_t written = 0;      // the last status written: a hash of its bytes; 0: none
    Revision written_at;          // … and what became of it: the pod's revision, and what it showed then
    std::uint64_t told = 0;
    bool removed = false;  // the final delete has been sent
    bool queued = false, running = false, again = false;
    int failures = 0;
    TimerId timer = 0;
  };

  Time now() const { return world.executor.clock().now(); }
  // Of a pod's life.
  Time now_of(const PodState& state) const { return state.started + (world.executor.clock().steady() - state.since); }

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
    const Node wanted = make_node(options, index, now());
    const ObjectKey key{{}, wanted.metadata().name()};
    std::optional<Node> node = co_await world.client.find<Node>(key);
    if (node) {
      // Taken over: what others have put there stays.
      node = co_await world.client.patch<Node>(key, Patch::strategic(status_report(options, index, *node, now())), "status");
    } else {
      node = co_await world.client.create<Node>(wanted);
    }
    scope.spawn(keep_lease(index));
    scope.spawn(keep_status(index));
  }

  Task<void> keep_lease(int index) {
    const ObjectKey key{"kube-node-lease", node_name(options, index)};
    // Nodes of one process take turns within the period.
    const Duration turn = options.lease_period * index / std::max(options.count, 1);
    std::optional<Lease> lease;
    bool first = true;
    for (Duration retry = kRetryFirst;;) {
      Duration wait = options.lease_period;
      try {
        lease = co_await renew(key, std::move(lease));
        ++stats.writes;
        retry = kRetryFirst;
        if (std::exchange(first, false)) wait = options.lease_period / 2 + turn / 2;
      } catch (const std::exception& e) {
        // A period is too long for one lost request: the node would be taken for dead.
        lease.reset();
        wait = std::min(options.lease_period, std::exchange(retry, std::min(retry * 2, kRetryMax)));
        world.log.warning("lease not renewed", "node", key.name, "error", e.what());
      }
      co_await sleep_for(wait);
    }
  }

  Task<Lease> renew(ObjectKey key, std::optional<Lease> lease) {
    if (!lease) lease = co_await world.client.find<Lease>(key);
    if (!lease) {
      // Its owner is the Node of that name as it is now: without one the lease would be collected at once.
      const Node owner = co_await world.client.get<Node>({{}, key.name});
      co_return co_await world.client.create<Lease>(make_lease(options, owner, now()));
    }
    api::set_time(lease->mutable_spec()->mutable_renew_time(), now());
    co_return co_await world.client.update<Lease>(*lease);
  }

  Task<void> keep_status(int index) {
    const ObjectKey key{{}, node_name(options, index)};
    for (Duration wait = options.status_period;;) {
      co_await sleep_for(std::exchange(wait, options.status_period));
      try {
        const Node present = co_await world.client.get<Node>(key);
        co_await world.client.patch<Node>(key, Patch::strategic(status_report(options, index, present, now())), "status");
        ++stats.writes;
      } catch (const std::exception& e) {
        // A kubelet tries again with its next look at itself, not with its next report.
        wait = std::min(options.status_period, kStatusRetry);
        world.log.warning("node status not reported", "node", key.name, "error", e.what());
      }
    }
  }

  // -- Pods

  Task<void> follow_pods() {
    auto events = pods.events();
    // Those that have addresses keep them, before anybody is given one.
    std::optional<std::vector<ObjectKey>> found(std::in_place);
    while (const auto event = co_await events.next()) {
      if (event->kind == informers::Event<HollowPod>::Snapshot) {
        const auto keys = std::exchange(found, std::nullopt);
        if (!keys) continue;
        for (const ObjectKey& key : *keys) touch(key);
        continue;
      }
      const auto& pod = event->after ? event->after : event->before;
      if (!index_of.contains(pod->node_name.view())) continue;
      if (!found) {
        touch(pod->key());
        continue;
      }
      if (event->after && !pod->is_over()) keep_ip(adopt(pod->key(), *pod), *pod);
      found->push_back(pod->key());
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
    if (!pod || !index_of.contains(pod->node_name.view())) {
      forget(key);
      co_return;
    }
    PodState& state = adopt(key, *pod);
    if (pod->deletion) co_return co_await finish(key, pod);
    if (pod->is_over()) {
      // Somebody else has said so.
      if (pod->shows_running) co_await write(key, pod, end_of(state, *pod, std::string(pod->phase)).status);
      if (const auto found = states.find(key); found != states.end()) release_ip(found->second);
      co_return;
    }
    take_ip(state, *pod);
    const Life life = life_at(*pod, state.started, now_of(state), host_of(state), ip_of(state, *pod));
    co_await write(key, pod, life.status);
    const auto found = states.find(key);
    if (found != states.end() && life.changes_at) touch_at(key, found->second, *life.changes_at - now_of(found->second));
  }

  // The grace is the containers': hollow ones obey at once. Whoever holds a finalizer is shown the end before the pod goes.
  Task<void> finish(ObjectKey key, PodRef pod) {
    PodState& state = states[key];
    if (state.removed) co_return;
    if (pod->has_finalizers && (!pod->is_over() || pod->shows_running)) {
      const std::string phase(pod->is_over() ? pod->phase.view() : std::string_view());
      co_await write(key, pod, end_of(state, *pod, phase).status);
    }
    informers::DeleteOptions options;
    options.uid = pod->uid;
    options.grace_seconds = 0;
    co_await world.client.remove<Pod>(key, options);
    ++stats.writes;
    if (const auto found = states.find(key); found != states.end()) found->second.removed = true;
  }

  Life end_of(PodState& state, const HollowPod& pod, const std::string& phase) {
    if (!state.stopped) state.stopped = now_of(state);
    return end_at(pod, state.started, *state.stopped, host_of(state), ip_of(state, pod), phase);
  }

  Task<void> write(ObjectKey key, PodRef pod, PodStatus status) {
    const std::size_t written = std::hash<std::string>()(api::encode_protobuf(status)) | 1;
    const PodState& before = states[key];
    // Somebody else has changed what we wrote, or an earlier process has written.
    const bool meddled = before.written == 0 ? pod->begun : pod->revision > before.written_at && pod->told != before.told;
    if (before.written == written && !meddled) co_return;
    const bool shows_others = meddled && !pod->is_over();
    PodRef stored;
    try {
      Patch patch = Patch::strategic(status_patch(pod->uid, std::move(status), shows_others));
      const SharedBytes answer = co_await world.client.patch_bytes(api::schema_of<Pod>(), key, std::move(patch), "status");
      stored = HollowPod::decode(informers::answer_object(*answer));
      ++stats.writes;
    } catch (const api::ApiError& error) {
      // Gone, or another pod of that name: the informer will tell.
      if (error.is("NotFound") || error.is("Conflict") || api::is_of_another_uid(error)) co_return;
      throw;
    }
    const auto found = states.find(key);
    if (found == states.end()) co_return;
    found->second.written = written;
    found->second.written_at = stored->revision;
    found->second.told = stored->told;
  }

  // The pod's state; a pod of the same name with another UID starts afresh.
  PodState& adopt(const ObjectKey& key, const HollowPod& pod) {
    PodState& state = states[key];
    if (state.uid != pod.uid) {
      release_ip(state);
      world.executor.cancel(state.timer);
      PodState fresh;
      fresh.queued = state.queued;
      fresh.running = state.running;
      fresh.again = state.again;
      state = std::move(fresh);
      state.uid = pod.uid;
      state.node = index_of.find(pod.node_name.view())->second;
      // Whoever else wrote it: no pod was started in the future, nor so long ago that its age could not be reckoned. The bound
      // does not move with the clock: what is written once stands after a restart.
      state.started = std::clamp(pod.started.value_or(now()), std::min(kOldestStart, now()), now());
      state.since = world.executor.clock().steady() - (now() - state.started);
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

  std::string host_of(const PodState& state) const { return options.address.empty() ? node_ip(state.node) : options.address; }

  // One that has ended, or was never given any, is shown with what its status says.
  std::string ip_of(const PodState& state, const HollowPod& pod) const {
    if (pod.host_network) return host_of(state);
    return state.ip ? pod_ip(state.node, state.ip) : pod.pod_ip;
  }

  // The address the pod has already, when it is free and of this node.
  void keep_ip(PodState& state, const HollowPod& pod) {
    if (state.ip || pod.host_network) return;
    const std::string first = pod_ip(state.node, 1), range = first.substr(0, first.rfind('.') + 1);
    if (!pod.pod_ip.starts_with(range)) return;
    const int n = std::atoi(pod.pod_ip.c_str() + range.size());
    if (n <= 1 || n >= kIpsEnd || used_ips[state.node].test(n)) return;
    used_ips[state.node].set(n);
    state.ip = n;
  }

  // Else the lowest free one.
  void take_ip(PodState& state, const HollowPod& pod) {
    keep_ip(state, pod);
    if (state.ip || pod.host_network) return;
    auto& used = used_ips[state.node];
    int n = 2;
    while (n < kIpsEnd && used.test(n)) ++n;
    if (n >= kIpsEnd) throw std::runtime_error("no free pod address on " + node_name(options, state.node));
    used.set(n);
    state.ip = n;
  }

  void release_ip(PodState& state) {
    if (state.ip) used_ips[state.node].reset(state.ip);
    state.ip = 0;
  }

  NodeWorld world;
  HollowOptions options;
  informers::Informer<HollowPod>& pods;
  std::map<std::string, int, std::less<>> index_of;
  std::vector<std::bitset<kIpsEnd>> used_ips;
  std::unordered_map<ObjectKey, PodState, informers::KeyHash> states;
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

std::optional<ContainerLog> HollowNodes::log(const ObjectKey& key, const std::string& container, bool previous) const {
  const auto pod = impl_->pods.find(key);
  if (!pod || !impl_->index_of.contains(pod->node_name.view())) return std::nullopt;
  const auto found = impl_->states.find(key);
  if (found == impl_->states.end()) return std::nullopt;
  const Impl::PodState& state = found->second;
  const Time now = state.stopped.value_or(impl_->now_of(state));
  const std::string phase(pod->is_over() ? pod->phase.view() : std::string_view());
  const Life life = state.stopped ? end_at(*pod, state.started, now, {}, {}, phase) : life_at(*pod, state.started, now, {}, {});
  ContainerLog out = log_of(*pod, container, life.status, previous, now);
  out.ended |= pod->is_over();
  return out;
}

HollowNodes::Stats HollowNodes::stats() const {
  Stats out = impl_->stats;
  out.pods = impl_->states.size();
  return out;
}

}  // namespace ph::node
