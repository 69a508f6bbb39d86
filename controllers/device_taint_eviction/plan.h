// Until when a pod may keep devices that have become tainted. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "api/kinds.h"
#include "base/time.h"
#include "informers/informer.h"
#include "informers/pod_view.h"

namespace ph::controllers::device_taint_eviction {

using Claim = resources::v1::ResourceClaim;
using Slice = resources::v1::ResourceSlice;
using informers::PodView;
using informers::Ref;

// "driver/pool": of a slice, and of those that a claim has devices of, each once. For indexes.
std::string pool_of(const Slice& slice);
std::vector<std::string> pools_of(const Claim& claim);

// All slices of a pool that there are; those of older generations than the newest one count for nothing.
using SlicesOfPool = std::function<std::vector<Ref<Slice>>(const std::string& pool)>;

// When the claim's users have to go: the earliest time, of the devices it was given, that a NoExecute taint which nothing tolerates was
// added, or that the shortest toleration of one is over. A toleration without a time is for ever, whatever others say. Nothing: they may
// stay. In the past: at once.
std::optional<Time> eviction_time(const Claim& claim, const SlicesOfPool& slices);

// The pods that the claim is reserved for, as "name" and UID.
struct User {
  std::string name, uid;
};
std::vector<User> users_of(const Claim& claim);
bool is_reserved_for(const Claim& claim, const PodView& pod);

// The pod can be evicted: it was put on a node, it has not ended, and nobody has deleted it.
bool is_at_stake(const PodView& pod);
// … as a live read shows one that had a node.
bool is_at_stake(const core::v1::Pod& pod);

}  // namespace ph::controllers::device_taint_eviction
