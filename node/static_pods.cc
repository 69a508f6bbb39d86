#include "node/static_pods.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "api/codec.h"
#include "api/errors.h"
#include "api/times.h"
#include "base/sha256.h"

namespace ph::node {

using core::v1::Pod;

namespace {

constexpr Duration kRetryFirst = 200ms;
constexpr Duration kRetryMax = 10s;
constexpr std::size_t kHashLength = 32;

std::string hash_of(const StaticManifest& manifest, const Pod& pod) {
  return sha256_hex(manifest.node + "\n" + api::encode_protobuf(pod)).substr(0, kHashLength);
}

}  // namespace

Pod read_static_pod(const StaticManifest& manifest) {
  Pod out;
  try {
    const std::string json = api::yaml_to_json(manifest.text);
    const api::GroupVersionKind kind = api::type_of(json);
    if (kind.api_version() != "v1" || kind.kind != "Pod") throw AskError("is no v1 Pod");
    api::decode_json(json, out, {.unknown = api::Unknown::Strict});
  } catch (const api::DecodeError& error) {
    throw AskError(error.what());
  }
  if (out.metadata().name().empty()) throw AskError("metadata.name: Required value");
  if (out.metadata().namespace_().empty()) out.mutable_metadata()->set_namespace_("default");
  return out;
}

Pod mirror_of(const Pod& pod, const std::string& node, const std::string& node_uid, const std::string& hash, Time seen) {
  Pod out = pod;
  auto& metadata = *out.mutable_metadata();
  metadata.set_name(fmt::format("{}-{}", pod.metadata().name(), node));
  metadata.clear_uid();
  metadata.clear_resource_version();
  auto& annotations = *metadata.mutable_annotations();
  annotations["kubernetes.io/config.source"] = "file";
  annotations["kubernetes.io/config.seen"] = api::rfc3339(seen);
  annotations["kubernetes.io/config.hash"] = hash;
  annotations["kubernetes.io/config.mirror"] = hash;
  metadata.clear_owner_references();
  auto* owner = metadata.add_owner_references();
  owner->set_api_version("v1");
  owner->set_kind("Node");
  owner->set_name(node);
  owner->set_uid(node_uid);
  owner->set_controller(true);
  out.mutable_spec()->set_node_name(node);
  // No taint drives a static pod away.
  auto* toleration = out.mutable_spec()->add_tolerations();
  toleration->set_operator_("Exists");
  toleration->set_effect("NoExecute");
  out.clear_status();
  return out;
}

StaticPods::StaticPods(const NodeWorld& world, const HollowOptions& options, const NodeKeeper& keeper,
                       informers::Informer<HollowPod>& pods)
    : world_(world), options_(options), keeper_(keeper), pods_(pods), scope_(world.executor, [this](std::exception_ptr error) {
        try {
          std::rethrow_exception(std::move(error));
        } catch (const std::exception& e) {
          world_.log.error("a static pod's task ended", "error", e.what());
        }
      }) {}

void StaticPods::set(std::vector<StaticManifest> manifests) {
  if (manifests == manifests_) return;
  manifests_ = std::move(manifests);
  const std::map<ObjectKey, Mirror> before = std::exchange(mirrors_, {});
  statics_.clear();
  for (const StaticManifest& manifest : manifests_) {
    try {
      Pod pod = read_static_pod(manifest);
      const std::string hash = hash_of(manifest, pod);
      if (!manifest.node.empty() && !keeper_.index_of(manifest.node)) throw AskError("is for a node that is none of these");
      statics_[manifest.source] = {std::move(pod), hash};
      want(manifest.source, manifest.node);
    } catch (const AskError& error) {
      world_.log.error("a static pod's file is passed over", "file", manifest.source, "error", error.what());
    }
  }
  if (!started_) return;
  for (const auto& [key, mirror] : before) touch(key);
  for (const auto& [key, mirror] : mirrors_) touch(key);
}

void StaticPods::want(const std::string& file, const std::string& node) {
  const Pod& pod = statics_.at(file).pod;
  for (int i = 0; i < options_.count; ++i) {
    const std::string name = node_name(options_, i);
    if (!node.empty() && node != name) continue;
    const ObjectKey key{pod.metadata().namespace_(), fmt::format("{}-{}", pod.metadata().name(), name)};
    if (!mirrors_.try_emplace(key, Mirror{file, i, now()}).second)
      world_.log.error("two static pods have one name", "pod", key, "file", file);
  }
}

void StaticPods::start() {
  started_ = true;
  for (const auto& [key, mirror] : mirrors_) touch(key);
  remove_strangers();
}

// Mirrors of files that went while nobody looked.
void StaticPods::remove_strangers() {
  scope_.spawn([](StaticPods* self) -> Task<void> {
    co_await self->pods_.wait_synced();
    for (const auto& pod : self->pods_.list()) {
      const bool ours = !pod->mirror.empty() && self->keeper_.index_of(pod->node_name.view());
      if (ours && !self->mirrors_.contains(pod->key())) self->touch(pod->key());
    }
  }(this));
}

void StaticPods::look_at(const HollowPod& gone) {
  const auto found = mirrors_.find(gone.key());
  if (found == mirrors_.end()) return;
  const bool was_it = gone.mirror == wanted_hash(found->first);
  if (was_it && gone.started) found->second.began = std::min(found->second.began, *gone.started);
  if (started_) touch(found->first);
}

std::optional<Time> StaticPods::began(const HollowPod& pod) const {
  if (pod.mirror.empty()) return std::nullopt;
  const auto found = mirrors_.find(pod.key());
  if (found == mirrors_.end() || !(pod.mirror == wanted_hash(found->first))) return std::nullopt;
  return found->second.began;
}

std::string StaticPods::wanted_hash(const ObjectKey& key) const {
  const auto found = mirrors_.find(key);
  return found == mirrors_.end() ? std::string() : statics_.at(found->second.file).hash;
}

void StaticPods::touch(const ObjectKey& key) {
  const auto [work, idle] = busy_.try_emplace(key, false);
  work->second = !idle;
  if (idle) scope_.spawn(keep(key));
}

Task<void> StaticPods::keep(ObjectKey key) {
  co_await pods_.wait_synced();
  for (Duration wait = kRetryFirst;; wait = std::min(wait * 2, kRetryMax)) {
    try {
      busy_.at(key) = false;
      co_await settle(key);
      if (busy_.at(key)) continue;
      break;
    } catch (const std::exception& e) {
      // Once it may be that the copy of the pods has not heard of what was just done.
      if (wait > kRetryFirst) world_.log.warning("a mirror pod is not as it is to be yet", "pod", key, "error", e.what());
    }
    co_await sleep_for(wait);
  }
  busy_.erase(key);
}

Task<void> StaticPods::settle(ObjectKey key) {
  const std::string hash = wanted_hash(key);
  const auto present = pods_.find(key);
  if (present) {
    if (present->mirror.empty()) {
      if (!hash.empty()) throw std::runtime_error("there is another pod of that name");
      co_return;
    }
    if (present->mirror == hash) co_return;
    informers::DeleteOptions options;
    options.uid = present->uid;
    options.grace_seconds = 0;
    co_await world_.client.remove<Pod>(key, options);
    if (hash.empty()) co_return;
  } else if (hash.empty()) {
    co_return;
  }
  const Mirror mirror = mirrors_.at(key);
  if (keeper_.is_silent(mirror.node)) throw std::runtime_error("the node is silent");
  const std::string uid = keeper_.uid_of(mirror.node);
  if (uid.empty()) throw std::runtime_error("the node is not seen yet");
  co_await world_.client.create<Pod>(
      mirror_of(statics_.at(mirror.file).pod, node_name(options_, mirror.node), uid, hash, mirror.began));
}

}  // namespace ph::node
