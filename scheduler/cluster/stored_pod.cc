#include "scheduler/cluster/stored_pod.h"

#include <algorithm>
#include <array>

#include "api/codec.h"
#include "base/assert.h"
#include "scheduler/cluster/pruned.h"

namespace ph::scheduler {
namespace {

using core::v1::Pod;

// A volume that no plugin has an opinion of: what every node can provide. The token that is mounted into every pod is one of them, and
// has another name in each.
bool concerns_scheduling(std::string_view volume) {
  static constexpr std::array kEverywhere{2U, 6U, 16U, 19U, 26U};  // emptyDir, secret, downwardAPI, configMap, projected
  return std::ranges::find(kEverywhere, first_inside(volume, 2)) == kEverywhere.end();
}

// Field numbers of core/v1 and meta/v1. name, image, ports, resources, restartPolicy, restartPolicyRules
constexpr Kept kContainer[] = {{1}, {2}, {6}, {8}, {24}, {25}};
// name, namespace, uid, resourceVersion, generation, creation, deletion, labels, owners
constexpr Kept kMetadata[] = {{1}, {3}, {5}, {6}, {7}, {8}, {9}, {11}, {13}};
constexpr Kept kSpec[] = {{1, {}, concerns_scheduling},
                          {2, kContainer},
                          {7},
                          {10},
                          {11},
                          {18},
                          {19},
                          {20, kContainer},
                          {22},
                          {24},
                          {25},
                          {29},
                          {31},
                          {32},
                          {33},
                          {36},
                          {37},
                          {38},
                          {39},
                          {40},
                          {43}};
constexpr Kept kStatus[] = {{1}, {2}, {11}, {15}, {18}, {19}, {20}};
constexpr Kept kOwn[] = {{1, kMetadata}, {3, kStatus}};
constexpr Kept kSpecOnly[] = {{2, kSpec}};

constexpr Kept kWholeOwn[] = {{1}, {3}};
constexpr Kept kWholeSpec[] = {{2}};

}  // namespace

std::shared_ptr<const StoredPod> StoredPod::of(std::string_view protobuf) {
  auto out = std::make_shared<StoredPod>();
  out->own_ = pruned(protobuf, kOwn);
  out->spec_ = informers::Interned(pruned(protobuf, kSpecOnly));
  return out;
}

std::shared_ptr<const StoredPod> StoredPod::whole(std::string_view protobuf) {
  auto out = std::make_shared<StoredPod>();
  out->own_ = pruned(protobuf, kWholeOwn);
  out->spec_ = informers::Interned(pruned(protobuf, kWholeSpec));
  return out;
}

PendingPod StoredPod::message() const {
  if (PendingPod held = held_.lock()) return held;
  auto pod = std::make_shared<Pod>();
  std::string bytes = own_;
  bytes += spec_.view();
  // They were taken from a message that could be decoded.
  if (!pod->ParseFromString(bytes)) throw api::DecodeError("proto: a Pod that cannot be decoded");
  held_ = pod;
  return pod;
}

}  // namespace ph::scheduler
