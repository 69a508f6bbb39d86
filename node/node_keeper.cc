#include "node/node_keeper.h"

#include <algorithm>
#include <utility>

#include "api/times.h"
#include "node/devices.h"

namespace ph::node {

using coordination::v1::Lease;
using core::v1::Node;
using informers::Patch;

namespace {

constexpr Duration kRetryFirst = 200ms;
constexpr Duration kRetryMax = 10s;
constexpr Duration kStatusRetry = 10s;
constexpr std::size_t kImagesMax = 50;  // as a kubelet reports by default

// A process with one node needs no other rights than that node's.
informers::Informer<OwnNode>& nodes_of(informers::Informers& informers, const HollowOptions& options) {
  if (options.count != 1) return informers.informer<OwnNode>();
  return informers.informer_of<OwnNode>("metadata.name=" + node_name(options, 0));
}

}  // namespace

NodeKeeper::NodeKeeper(const NodeWorld& world, const HollowOptions& options, std::function<void(int)> wake)
    : world_(world),
      options_(options),
      stages_(options.stages ? options.stages : std::make_shared<const Stages>()),
      wake_(std::move(wake)),
      nodes_(nodes_of(world.informers, options)),
      kept_(options.count),
      scope_(world.executor, [this](std::exception_ptr error) {
        try {
          std::rethrow_exception(std::move(error));
        } catch (const std::exception& e) {
          world_.log.error("a hollow node's task ended", "error", e.what());
        }
      }) {
  for (int i = 0; i < options.count; ++i) index_of_[node_name(options, i)] = i;
}

Task<void> NodeKeeper::start() {
  scope_.spawn(follow_nodes());
  std::vector<Task<void>> registrations;
  for (int i = 0; i < options_.count; ++i) registrations.push_back(register_node(i));
  for (const auto& result : co_await all(std::move(registrations))) {
    if (result.error) std::rethrow_exception(result.error);
  }
}

std::optional<int> NodeKeeper::index_of(std::string_view name) const {
  const auto found = index_of_.find(name);
  return found == index_of_.end() ? std::nullopt : std::optional(found->second);
}

std::string NodeKeeper::uid_of(int index) const {
  const auto node = nodes_.find(key_of(index));
  return node ? node->uid : std::string();
}

bool NodeKeeper::is_attached(int index, std::string_view volume) const {
  const auto node = nodes_.find(key_of(index));
  return node && std::ranges::find(node->attached, volume) != node->attached.end();
}

std::vector<informers::Ref<OwnNode>> NodeKeeper::answering() const {
  std::vector<informers::Ref<OwnNode>> out;
  for (auto& node : nodes_.list()) {
    const auto index = index_of(node->name);
    if (index && !is_silent(*index)) out.push_back(std::move(node));
  }
  return out;
}

void NodeKeeper::note_image(int index, const informers::Interned& image) {
  auto& images = kept_[index].images;
  if (std::ranges::find(images, image) != images.end()) return;
  if (images.size() == kImagesMax) images.erase(images.begin());
  images.push_back(image);
}

void NodeKeeper::use_volume(int index, const std::string& volume) {
  if (kept_[index].volumes[volume]++ == 0) scope_.spawn(report_now(index));
}

void NodeKeeper::release_volume(int index, const std::string& volume) {
  auto& volumes = kept_[index].volumes;
  const auto found = volumes.find(volume);
  if (found == volumes.end() || --found->second > 0) return;
  volumes.erase(found);
  scope_.spawn(report_now(index));
}

NodeFacts NodeKeeper::facts_of(int index) const {
  const Kept& kept = kept_[index];
  NodeFacts out{.problems = problems(index), .images = kept.images, .volumes_in_use = {}};
  for (const auto& [volume, pods] : kept.volumes) out.volumes_in_use.push_back(volume);
  return out;
}

// -- The object

Task<void> NodeKeeper::register_node(int index) {
  for (Duration wait = kRetryFirst;; wait = std::min(wait * 2, kRetryMax)) {
    try {
      const Node node = co_await try_register(index);
      for (const NodeStage* stage : stages_->of_node(node.metadata().labels())) {
        if (stage->problems) scope_.spawn(run_stage(index, stage));
        for (const DeviceStage& devices : stage->devices) scope_.spawn(publish_devices(index, &devices, node.metadata().uid()));
      }
      scope_.spawn(keep_lease(index));
      scope_.spawn(keep_status(index));
      co_return;
    } catch (const std::exception& e) {
      world_.log.warning("node not registered yet", "node", node_name(options_, index), "error", e.what());
    }
    co_await sleep_for(wait);
  }
}

Task<Node> NodeKeeper::try_register(int index) {
  const Node wanted = make_node(options_, index, now(), facts_of(index));
  const ObjectKey key = key_of(index);
  const std::optional<Node> node = co_await world_.client.find<Node>(key);
  if (!node) co_return co_await world_.client.create<Node>(wanted);
  // Taken over: what others have put there stays.
  if (const auto body = metadata_report(*node)) co_await world_.client.patch<Node>(key, Patch::strategic(*body));
  co_return co_await world_.client.patch<Node>(
      key, Patch::strategic(status_report(options_, index, *node, now(), facts_of(index))), "status");
}

// -- Its heartbeats

Task<void> NodeKeeper::keep_lease(int index) {
  const ObjectKey key{"kube-node-lease", node_name(options_, index)};
  // Nodes of one process take turns within the period.
  const Duration turn = options_.lease_period * index / std::max(options_.count, 1);
  std::optional<Lease> lease;
  bool first = true;
  for (Duration retry = kRetryFirst;;) {
    Duration wait = options_.lease_period;
    try {
      if (!is_silent(index)) {
        lease = co_await renew(key, std::move(lease));
        ++writes_;
      }
      retry = kRetryFirst;
      if (std::exchange(first, false)) wait = options_.lease_period / 2 + turn / 2;
    } catch (const std::exception& e) {
      // A period is too long for one lost request: the node would be taken for dead.
      lease.reset();
      wait = std::min(options_.lease_period, std::exchange(retry, std::min(retry * 2, kRetryMax)));
      world_.log.warning("lease not renewed", "node", key.name, "error", e.what());
    }
    co_await sleep_for(wait);
  }
}

Task<Lease> NodeKeeper::renew(ObjectKey key, std::optional<Lease> lease) {
  if (!lease) lease = co_await world_.client.find<Lease>(key);
  if (!lease) {
    // Its owner is the Node of that name as it is now: without one the lease would be collected at once.
    const Node owner = co_await world_.client.get<Node>({{}, key.name});
    co_return co_await world_.client.create<Lease>(make_lease(options_, owner, now()));
  }
  api::set_time(lease->mutable_spec()->mutable_renew_time(), now());
  co_return co_await world_.client.update<Lease>(*lease);
}

Task<void> NodeKeeper::keep_status(int index) {
  for (Duration wait = options_.status_period;;) {
    co_await sleep_for(std::exchange(wait, options_.status_period));
    // A kubelet tries again with its next look at itself, not with its next report.
    if (!co_await report(index)) wait = std::min(options_.status_period, kStatusRetry);
  }
}

Task<bool> NodeKeeper::report(int index) {
  if (kept_[index].reporting) {
    kept_[index].report_again = true;
    co_return true;
  }
  kept_[index].reporting = true;
  bool arrived = true;
  do {
    kept_[index].report_again = false;
    if (is_silent(index)) break;
    const ObjectKey key = key_of(index);
    try {
      const Node present = co_await world_.client.get<Node>(key);
      co_await world_.client.patch<Node>(key, Patch::strategic(status_report(options_, index, present, now(), facts_of(index))),
                                         "status");
      ++writes_;
      arrived = true;
    } catch (const std::exception& e) {
      arrived = false;
      world_.log.warning("node status not reported", "node", key.name, "error", e.what());
    }
  } while (arrived && kept_[index].report_again);
  kept_[index].reporting = false;
  co_return arrived;
}

Task<void> NodeKeeper::report_now(int index) {
  while (!co_await report(index)) co_await sleep_for(std::min(options_.status_period, kStatusRetry));
}

// -- What is asked of it

Task<void> NodeKeeper::follow_nodes() {
  auto events = nodes_.events();
  while (const auto event = co_await events.next()) {
    if (event->kind == informers::Event<OwnNode>::Snapshot) continue;
    const auto& node = event->after ? event->after : event->before;
    const auto index = index_of(node->name);
    if (!index) continue;
    take(*index, event->after.get());
    const bool attached = event->after && event->before && event->after->attached != event->before->attached;
    if (attached) wake_(*index);
  }
}

void NodeKeeper::take(int index, const OwnNode* node) {
  Problems asked = 0;
  try {
    if (node) asked = parse_problems(node->problem.view());
  } catch (const AskError& error) {
    world_.log.warning("a node's annotation is passed over", "node", node->name, "annotation",
                       std::string(kAskPrefix) + std::string(kProblemAsk), "error", error.what());
  }
  suffer(index, kept_[index].asked, asked);
}

void NodeKeeper::suffer(int index, Problems& source, Problems wanted) {
  const Problems before = problems(index);
  source = wanted;
  const Problems after = problems(index);
  if (before == after) return;
  if (!(after & kSilent)) scope_.spawn(report_now(index));
  if ((before ^ after) & kSilent) wake_(index);
}

Task<void> NodeKeeper::run_stage(int index, const NodeStage* stage) {
  co_await sleep_for(stage->after);
  Problems& staged = kept_[index].staged;
  suffer(index, staged, staged | stage->problems);
  if (!stage->lasts) co_return;
  co_await sleep_for(*stage->lasts);
  suffer(index, staged, staged & ~stage->problems);
}

Task<void> NodeKeeper::publish_devices(int index, const DeviceStage* devices, std::string uid) {
  const std::string node = node_name(options_, index);
  for (Duration wait = kRetryFirst;; wait = std::min(wait * 2, kRetryMax)) {
    try {
      co_await publish(world_.client, make_slice(node, uid, *devices));
      co_return;
    } catch (const std::exception& e) {
      world_.log.warning("devices not published yet", "node", node, "driver", devices->driver, "error", e.what());
    }
    co_await sleep_for(wait);
  }
}

}  // namespace ph::node
