#include "scheduler/cluster/scheduler_pod.h"

#include <array>

#include "api/codec.h"
#include "scheduler/cluster/pruned.h"

namespace ph::scheduler {
namespace {

using core::v1::Pod;

// Field numbers of core/v1 and meta/v1. What make_pod_info reads of an assigned pod, and nothing else: the bulk of a
// pod is its environment, volumes, probes and managed fields.
constexpr Kept kResources[] = {{2}};                                // requests
constexpr Kept kPodResources[] = {{2}};                             // requests
constexpr Kept kContainer[] = {{1}, {6}, {8, kResources}, {24}};    // name, ports, resources, restartPolicy
constexpr Kept kContainerStatus[] = {{1}, {10}, {11, kResources}};  // name, allocatedResources, resources
constexpr Kept kCondition[] = {{1}, {2}, {5}};                      // type, status, reason
constexpr Kept kAffinity[] = {{2}, {3}};                            // podAffinity, podAntiAffinity
constexpr Kept kNothing[] = {{0}};                                  // that it is there is all that counts
// Of a volume: disks that are not shared at will or that CSI drivers have taken over, claims, and those made for the pod.
constexpr Kept kVolumeSource[] = {{3}, {4}, {8}, {10}, {11}, {13}, {18}, {20}, {22}, {24}, {29, kNothing}};
constexpr Kept kVolume[] = {{1}, {2, kVolumeSource}};  // name
// name, namespace, uid, resourceVersion, generation, deletion, labels
constexpr Kept kMetadata[] = {{1}, {3}, {5}, {6}, {7}, {9}, {11}};
constexpr Kept kSpec[] = {{1, kVolume}, {2, kContainer},    {10}, {18, kAffinity}, {19}, {20, kContainer}, {22}, {25},
                          {32},         {40, kPodResources}};
constexpr Kept kStatus[] = {{1},  {2, kCondition},    {7}, {8, kContainerStatus}, {10, kContainerStatus}, {11}, {15},
                            {19}, {20, kPodResources}};
constexpr Kept kAssignedPod[] = {{1, kMetadata}, {2, kSpec}, {3, kStatus}};
constexpr int kNodeName[] = {2, 10};

}  // namespace

std::shared_ptr<const SchedulerPod> SchedulerPod::decode(std::string_view protobuf, bool whole) {
  auto out = std::make_shared<SchedulerPod>();
  Pod pod;
  if (string_at(protobuf, kNodeName).empty()) {
    api::decode_protobuf(protobuf, pod);
    out->stored = whole ? StoredPod::whole(protobuf) : StoredPod::of(protobuf);
  } else if (!pod.ParseFromString(pruned(protobuf, kAssignedPod))) {
    throw api::DecodeError("proto: a Pod that cannot be decoded");
  }
  out->info = make_pod_info(pod);
  return out;
}

std::shared_ptr<const SchedulerPod> SchedulerPod::of(const Pod& pod) {
  auto out = std::make_shared<SchedulerPod>();
  out->info = make_pod_info(pod);
  if (!out->info->assigned()) out->stored = StoredPod::whole(pod.SerializeAsString());
  return out;
}

}  // namespace ph::scheduler

namespace ph::informers {
namespace {

template <bool whole>
detail::Decoder decoder_of_pods() {
  using scheduler::SchedulerPod;
  const auto info = [](const void* object) -> const scheduler::PodInfo& {
    return *static_cast<const SchedulerPod*>(object)->info;
  };
  return {.resource = api::Scheme::builtin().resource(api::schema_of<core::v1::Pod>()),
          // Pods that have ended leave the watch: they hold nothing.
          .field_selector = "status.phase!=Succeeded,status.phase!=Failed",
          .decode = [](std::string_view bytes) -> detail::AnyRef { return SchedulerPod::decode(bytes, whole); },
          .key = [info](const void* object) { return KeyView(info(object).namespace_name, info(object).name); },
          .revision = [info](const void* object) { return info(object).revision; },
          .uid = [info](const void* object) -> std::string_view { return info(object).uid; }};
}

}  // namespace

detail::Decoder Followed<scheduler::SchedulerPod>::decoder() { return decoder_of_pods<false>(); }
detail::Decoder Followed<scheduler::WholeSchedulerPod>::decoder() { return decoder_of_pods<true>(); }

}  // namespace ph::informers
