#include "controllers/device_taint_eviction/plan.h"

#include <algorithm>
#include <set>

#include "api/times.h"

namespace ph::controllers::device_taint_eviction {

using resources::v1::Device, resources::v1::DeviceTaint, resources::v1::DeviceToleration;

namespace {

// A hundred years and more are for ever.
constexpr std::int64_t kForEver = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::hours(24 * 365 * 100)).count();

std::string pool_key(const std::string& driver, const std::string& pool) { return driver + "/" + pool; }

bool tolerates(const DeviceToleration& toleration, const DeviceTaint& taint) {
  if (!toleration.effect().empty() && toleration.effect() != taint.effect()) return false;
  if (!toleration.key().empty() && toleration.key() != taint.key()) return false;
  return toleration.operator_() == "Exists" || toleration.value() == taint.value();
}

// Null: the pool does not have it (any more).
const Device* find_device(const std::vector<Ref<Slice>>& slices, const std::string& name) {
  std::int64_t newest = 0;
  for (const Ref<Slice>& slice : slices) newest = std::max(newest, slice->spec().pool().generation());
  for (const Ref<Slice>& slice : slices) {
    if (slice->spec().pool().generation() != newest) continue;
    const auto found = std::ranges::find(slice->spec().devices(), name, [](const Device& each) { return each.name(); });
    if (found != slice->spec().devices().end()) return &*found;
  }
  return nullptr;
}

// When who has such tolerations has to go for this taint.
template <class Tolerations>
std::optional<Time> time_for(const DeviceTaint& taint, const Tolerations& tolerations) {
  std::optional<std::int64_t> least;
  for (const DeviceToleration& toleration : tolerations) {
    if (!tolerates(toleration, taint)) continue;
    if (!toleration.has_toleration_seconds() || toleration.toleration_seconds() >= kForEver) return std::nullopt;
    const std::int64_t seconds = std::max<std::int64_t>(toleration.toleration_seconds(), 0);
    least = std::min(least.value_or(seconds), seconds);
  }
  const Time added = taint.has_time_added() ? api::to_time(taint.time_added()) : Time();
  const Duration time = std::chrono::seconds(least.value_or(0));
  return added < Time::max() - time ? added + time : Time::max();
}

}  // namespace

std::string pool_of(const Slice& slice) { return pool_key(slice.spec().driver(), slice.spec().pool().name()); }

std::vector<std::string> pools_of(const Claim& claim) {
  std::set<std::string> out;
  for (const auto& result : claim.status().allocation().devices().results()) out.insert(pool_key(result.driver(), result.pool()));
  return {out.begin(), out.end()};
}

std::optional<Time> eviction_time(const Claim& claim, const SlicesOfPool& slices) {
  std::optional<Time> out;
  for (const auto& result : claim.status().allocation().devices().results()) {
    const std::vector<Ref<Slice>> pool = slices(pool_key(result.driver(), result.pool()));
    const Device* device = find_device(pool, result.device());
    if (!device) continue;
    for (const DeviceTaint& taint : device->taints()) {
      if (taint.effect() != "NoExecute") continue;
      const auto time = time_for(taint, result.tolerations());
      if (time && (!out || *time < *out)) out = time;
    }
  }
  return out;
}

std::vector<User> users_of(const Claim& claim) {
  std::vector<User> out;
  for (const auto& user : claim.status().reserved_for()) {
    if (user.api_group().empty() && user.resource() == "pods") out.push_back({user.name(), user.uid()});
  }
  return out;
}

bool is_reserved_for(const Claim& claim, const PodView& pod) {
  return std::ranges::any_of(users_of(claim), [&](const User& user) { return user.uid == pod.uid; });
}

bool is_at_stake(const core::v1::Pod& pod) {
  const std::string& phase = pod.status().phase();
  return phase != "Succeeded" && phase != "Failed" && !pod.metadata().has_deletion_timestamp();
}

bool is_at_stake(const PodView& pod) { return !pod.node_name.empty() && !pod.finished() && !pod.deletion; }

}  // namespace ph::controllers::device_taint_eviction
