#include "node/hollow.h"

#include <algorithm>
#include <bitset>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/times.h"
#include "informers/request.h"
#include "node/devices.h"
#include "node/hollow_pod.h"
#include "node/lifecycle.h"
#include "node/node_keeper.h"
#include "node/stages.h"
#include "node/static_pods.h"
#include "node/volumes.h"

namespace ph::node {
namespace {

using core::v1::Pod;
using core::v1::PodStatus;
using informers::Patch;
using PodRef = informers::Ref<HollowPod>;

constexpr Duration kRetryFirst = 200ms;
constexpr Duration kRetryMax = 10s;
constexpr Duration kHeldLook = 2s;  // at what a pod waits for
constexpr Time kOldestStart{24h};   // the epoch itself reads as no time at all
constexpr int kIpsEnd = 255;        // of a node's /24

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
        stages(this->options.stages ? this->options.stages : std::make_shared<const Stages>()),
        pods(pods_of(this->world.informers, this->options)),
        keeper(this->world, this->options, [this](int node) { wake(node); }),
        statics(this->world, this->options, keeper, pods),
        scope(this->world.executor, [this](std::exception_ptr error) { report(error); }) {
    used_ips.resize(this->options.count);
  }

  // A process with one node needs no other rights than that node's.
  static informers::Informer<HollowPod>& pods_of(informers::Informers& informers, const HollowOptions& options) {
    if (options.count != 1) return informers.informer<HollowPod>();
    return informers.informer_of<HollowPod>("spec.nodeName=" + node_name(options, 0));
  }

  // What is known of a pod beyond the API: little, and nothing that a restart could not do without.
  struct PodState {
    std::string uid;
    int node = 0;
    int ip = 0;                        // within the node's range; 0: none
    Time started{};                    // as its status says …
    Steady since{};                    // … and when that was: the wall clock may jump, what has happened has happened
    std::optional<Time> ends;          // when it will have ended that was told to stop
    std::optional<Time> stopped;       // when it ended
    int server_code = 0;               // with what its servers ended then
    bool prepared = false;             // its volumes and devices are there
    std::vector<std::string> volumes;  // that are to be attached; by their unique names
    std::size_t written = 0;           // the last status written: a hash of its bytes; 0: none
    Revision written_at;               // … and what became of it: the pod's revision, and what it showed then
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
      if (!keeper.index_of(pod->node_name.view())) continue;
      if (!pod->mirror.empty() && !event->after) statics.look_at(*pod);
      if (!found) {
        touch(pod->key());
        continue;
      }
      if (event->after && !pod->is_over()) keep_ip(adopt(pod->key(), *pod), *pod);
      found->push_back(pod->key());
    }
  }

  // All pods of a node.
  void wake(int node) {
    std::vector<ObjectKey> keys;
    for (const auto& [key, state] : states) {
      if (state.node == node) keys.push_back(key);
    }
    std::ranges::sort(keys);
    for (const ObjectKey& key : keys) touch(key);
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
    const auto found_pod = pods.find(key);
    if (!found_pod || !keeper.index_of(found_pod->node_name.view())) {
      forget(key);
      co_return;
    }
    PodState& state = adopt(key, *found_pod);
    if (keeper.is_silent(state.node)) co_return;  // it is looked at again when that is over
    const PodRef pod = stages->shaped(found_pod);
    if (pod->deletion) co_return co_await finish(key, pod);
    if (pod->is_over()) {
      // Somebody else has said so.
      if (pod->shows_running) co_await write(key, pod, end_of(state, *pod, std::string(pod->phase)).status);
      if (const auto found = states.find(key); found != states.end()) release(found->second);
      co_return;
    }
    take_ip(state, *pod);
    if (!state.prepared && !co_await prepare(key, pod)) co_return;
    co_await live(key, pod);
  }

  Task<void> live(ObjectKey key, PodRef pod) {
    PodState& state = states[key];
    const Life life = life_at(*pod, state.started, now_of(state), host_of(state), ip_of(state, *pod));
    co_await write(key, pod, life.status);
    const auto found = states.find(key);
    if (found != states.end() && life.changes_at) touch_at(key, found->second, *life.changes_at - now_of(found->second));
  }

  // Volumes and devices come before the first container; what has begun before does not wait for them again. False: it waits.
  Task<bool> prepare(ObjectKey key, PodRef pod) {
    for (const HollowContainer& container : pod->containers) keeper.note_image(states[key].node, container.image);
    const bool needs = !pod->claims.empty() || !pod->device_claims.empty();
    if (needs) {
      std::vector<std::string> volumes = co_await attachable_volumes(world.client, pod);
      std::string why = pod->started ? std::string() : co_await unprepared(world.client, pod);
      const auto found = states.find(key);
      if (found == states.end() || found->second.uid != pod->uid) co_return false;
      PodState& state = found->second;
      use_volumes(state, std::move(volumes));
      if (!pod->started && why.empty()) why = unattached(state);
      if (!why.empty()) {
        world.log.debug("pod waits", "pod", key, "for", why);
        touch_at(key, state, kHeldLook);
        co_await write(key, pod, held_at(*pod, state.started, host_of(state)));
        co_return false;
      }
      if (!pod->started) begin_at(state, now());
    }
    states[key].prepared = true;
    co_return true;
  }

  void use_volumes(PodState& state, std::vector<std::string> volumes) {
    for (const std::string& volume : volumes) {
      if (std::ranges::find(state.volumes, volume) == state.volumes.end()) keeper.use_volume(state.node, volume);
    }
    for (const std::string& volume : state.volumes) {
      if (std::ranges::find(volumes, volume) == volumes.end()) keeper.release_volume(state.node, volume);
    }
    state.volumes = std::move(volumes);
  }

  std::string unattached(const PodState& state) const {
    for (const std::string& volume : state.volumes) {
      if (!keeper.is_attached(state.node, volume)) return fmt::format("volume {} is not attached to the node", volume);
    }
    return {};
  }

  // What runs takes its time to stop, and no longer than its grace. Whoever holds a finalizer is shown the end before the pod goes.
  Task<void> finish(ObjectKey key, PodRef pod) {
    PodState& state = states[key];
    if (state.removed) co_return;
    const bool runs = pod->begun && !pod->is_over() && pod->mirror.empty();
    if (runs && !state.stopped && has_to_wait(key, state, *pod)) co_return;
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

  bool has_to_wait(const ObjectKey& key, PodState& state, const HollowPod& pod) {
    if (!state.ends) {
      const Duration grace = *pod.deletion > now() ? *pod.deletion - now() : Duration::zero();
      const Duration wanted = pod.does ? pod.does->ends_after.value_or(options.ends_after) : options.ends_after;
      state.ends = now_of(state) + std::min(wanted, grace);
      state.server_code = wanted > grace ? kKilled : 0;
    }
    const Duration left = *state.ends - now_of(state);
    if (left <= Duration::zero()) return false;
    touch_at(key, state, left);
    return true;
  }

  Life end_of(PodState& state, const HollowPod& pod, const std::string& phase) {
    if (!state.stopped) state.stopped = now_of(state);
    return end_at(pod, state.started, *state.stopped, host_of(state), ip_of(state, pod), phase, state.server_code);
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
      release(state);
      world.executor.cancel(state.timer);
      PodState fresh;
      fresh.queued = state.queued;
      fresh.running = state.running;
      fresh.again = state.again;
      state = std::move(fresh);
      state.uid = pod.uid;
      state.node = keeper.index_of(pod.node_name.view()).value();
      // Whoever else wrote it: no pod was started in the future, nor so long ago that its age could not be reckoned. The bound
      // does not move with the clock: what is written once stands after a restart.
      const std::optional<Time> begun = pod.started ? pod.started : statics.began(pod);
      begin_at(state, std::clamp(begun.value_or(now()), std::min(kOldestStart, now()), now()));
      complain(pod);
    }
    return state;
  }

  void begin_at(PodState& state, Time started) {
    state.started = started;
    state.since = world.executor.clock().steady() - (now() - started);
  }

  // What cannot be read of what it asks for.
  void complain(const HollowPod& pod) {
    if (pod.asks.empty()) return;
    std::vector<std::string> wrong;
    stages->behaviour_of(pod, &wrong);
    for (const std::string& each : wrong) world.log.warning("a pod's annotation is passed over", "pod", pod.key(), "error", each);
  }

  void forget(const ObjectKey& key) {
    const auto found = states.find(key);
    if (found == states.end()) return;
    release(found->second);
    world.executor.cancel(found->second.timer);
    states.erase(found);
  }

  void release(PodState& state) {
    release_ip(state);
    use_volumes(state, {});
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
  const std::shared_ptr<const Stages> stages;
  informers::Informer<HollowPod>& pods;
  NodeKeeper keeper;
  StaticPods statics;
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
  co_await impl_->keeper.start();
  impl_->statics.start();
}

std::optional<ContainerLog> HollowNodes::log(const ObjectKey& key, const std::string& container, bool previous) const {
  const auto found_pod = impl_->pods.find(key);
  if (!found_pod || !impl_->keeper.index_of(found_pod->node_name.view())) return std::nullopt;
  const PodRef pod = impl_->stages->shaped(found_pod);
  const auto found = impl_->states.find(key);
  if (found == impl_->states.end()) return std::nullopt;
  const Impl::PodState& state = found->second;
  const Time now = state.stopped.value_or(impl_->now_of(state));
  const std::string phase(pod->is_over() ? pod->phase.view() : std::string_view());
  const Life life = state.stopped ? end_at(*pod, state.started, now, {}, {}, phase, state.server_code)
                                  : life_at(*pod, state.started, now, {}, {});
  ContainerLog out = log_of(*pod, container, life.status, previous, now);
  out.ended |= pod->is_over();
  return out;
}

HollowNodes::Stats HollowNodes::stats() const {
  Stats out = impl_->stats;
  out.pods = impl_->states.size();
  out.writes += impl_->keeper.writes();
  return out;
}

void HollowNodes::run_static(std::vector<StaticManifest> manifests) { impl_->statics.set(std::move(manifests)); }

std::vector<PodUse> HollowNodes::pod_uses(const std::string& namespace_name) const {
  std::vector<PodRef> running;
  for (const PodRef& pod : impl_->pods.list(namespace_name)) {
    const auto node = impl_->keeper.index_of(pod->node_name.view());
    // A kubelet that cannot be reached tells nobody what its pods use.
    if (node && !impl_->keeper.is_silent(*node) && pod->phase == "Running") running.push_back(impl_->stages->shaped(pod));
  }
  return uses_of(running, impl_->now());
}

std::vector<informers::Ref<OwnNode>> HollowNodes::answering() const { return impl_->keeper.answering(); }

Time HollowNodes::now() const { return impl_->now(); }

}  // namespace ph::node
