#include "scheduler/cluster/pending_pod.h"

#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "api/codec.h"
#include "api/wire_records.h"
#include "base/assert.h"
#include "informers/informer.h"
#include "scheduler/cluster/pruned.h"

namespace ph::scheduler {
namespace {

using core::v1::Pod, core::v1::PodSpec;
namespace wire = api::wire;

// Field numbers of core/v1.
constexpr int kMetadata = 1, kSpec = 2, kStatus = 3;                // of a Pod
constexpr int kVolumes = 1, kContainers = 2, kInitContainers = 20;  // of its spec
constexpr int kVolumeMounts = 9, kName = 1;                         // of a container; of a volume or a mount
constexpr Kept kAllButSpec[] = {{kMetadata}, {kStatus}};

// The names that the server gives volumes of tokens (ServiceAccount admission), and one as long that it gives to none.
constexpr std::string_view kTokenPrefix = "kube-api-access-", kNobodys = "kube-api-access-?????";

bool is_token_name(std::string_view name) { return name.size() == kNobodys.size() && name.starts_with(kTokenPrefix); }

struct Spec {
  std::string bytes;
  PodSpec message;
};

// All that are shared. A spec goes with its last pod.
class Specs {
 public:
  static Specs& instance() {
    static Specs* specs = new Specs;  // never destroyed: statics may hold pods
    return *specs;
  }

  std::shared_ptr<const Spec> share(std::string bytes) {
    const std::lock_guard lock(mutex_);
    const auto found = known_.find(bytes);
    if (found != known_.end()) {
      if (auto spec = found->second.lock()) return spec;
      known_.erase(found);  // its last pod is just going, and the key with it
    }
    auto fresh = std::make_unique<Spec>();
    api::decode_protobuf(bytes, fresh->message);
    fresh->bytes = std::move(bytes);
    const std::string_view key = fresh->bytes;
    std::shared_ptr<const Spec> spec(fresh.release(), [this](const Spec* last) { drop(last); });
    known_.emplace(key, spec);
    return spec;
  }

  std::size_t size() {
    const std::lock_guard lock(mutex_);
    return known_.size();
  }

 private:
  void drop(const Spec* spec) {
    {
      const std::lock_guard lock(mutex_);
      const auto found = known_.find(spec->bytes);
      if (found != known_.end() && found->first.data() == spec->bytes.data()) known_.erase(found);
    }
    delete spec;
  }

  std::mutex mutex_;
  std::unordered_map<std::string_view, std::weak_ptr<const Spec>> known_;  // by their bytes
};

// Holds the spec for a pod that does not own it.
struct Release {
  std::shared_ptr<const Spec> spec;
  std::string token;  // the right name of its volume; empty: it has none

  void operator()(Pod* pod) const {
    pod->unsafe_arena_release_spec();
    delete pod;
  }
};

// What `f` is called with of a spec: the names of its volumes and of its containers' mounts.
template <class F>
void each_volume_name(std::string_view spec, F f) {
  for (wire::Records in(spec); in.next();) {
    if (in.field() == kVolumes) f(wire::member_of(in.text(), kName));
    if (in.field() != kContainers && in.field() != kInitContainers) continue;
    for (wire::Records container(in.text()); container.next();) {
      if (container.field() == kVolumeMounts) f(wire::member_of(container.text(), kName));
    }
  }
}

// Takes the name of the token's volume out of a spec's bytes; empty: it has none.
std::string take_token_name(std::string& spec) {
  std::string token;
  std::vector<std::size_t> places;
  each_volume_name(spec, [&](std::string_view name) {
    if (token.empty() ? !is_token_name(name) : name != token) return;
    token = name;
    places.push_back(static_cast<std::size_t>(name.data() - spec.data()));
  });
  for (const std::size_t place : places) spec.replace(place, kNobodys.size(), kNobodys);
  return token;
}

// Nothing: there is none, or it comes in pieces.
std::optional<std::string_view> only_spec(std::string_view pod) {
  std::optional<std::string_view> spec;
  for (wire::Records in(pod); in.next();) {
    if (in.field() != kSpec) continue;
    if (spec) return std::nullopt;
    spec = in.text();
  }
  return spec;
}

void rename_volume(Pod& pod, const std::string& name) {
  const auto rename = [&](auto& all) {
    for (auto& each : all) {
      if (each.name() == kNobodys) each.set_name(name);
    }
  };
  PodSpec& spec = *pod.mutable_spec();
  rename(*spec.mutable_volumes());
  for (auto* containers : {spec.mutable_containers(), spec.mutable_init_containers()}) {
    for (auto& container : *containers) rename(*container.mutable_volume_mounts());
  }
}

}  // namespace

PendingPod make_pending_pod(std::string_view protobuf) {
  const std::optional<std::string_view> own_spec = only_spec(protobuf);
  auto pod = std::make_unique<Pod>();
  api::decode_protobuf(own_spec ? pruned(protobuf, kAllButSpec) : std::string(protobuf), *pod);
  informers::detail::drop_managed_fields(*pod->mutable_metadata());
  if (!own_spec) return pod;
  std::string bytes(*own_spec);
  Release release;
  release.token = take_token_name(bytes);
  release.spec = Specs::instance().share(std::move(bytes));
  // Nobody changes a pod that waits; `release` takes it back before the pod goes.
  pod->unsafe_arena_set_allocated_spec(const_cast<PodSpec*>(&release.spec->message));
  return std::shared_ptr<Pod>(pod.release(), std::move(release));
}

Pod whole(const PendingPod& pod) {
  Pod out = *pod;
  const Release* release = std::get_deleter<Release>(pod);
  if (release && !release->token.empty()) rename_volume(out, release->token);
  return out;
}

std::size_t shared_specs() { return Specs::instance().size(); }

}  // namespace ph::scheduler
