// The fence of a leader's writes: the term of the lease they are made under, as a header of the request.
//
//   Pilothouse-Fence: kube-system/kube-controller-manager; uid=4f0c…; holder=host_1a2b…; transitions=3
//
// Our apiserver carries out a write that has it only while the lease is the one named (UID) and is held so (holder,
// transitions); docs/election.md says what that covers. The values are percent-encoded. The header gives no rights.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/object.h"
#include "coordination/v1.pb.h"

namespace ph::api {

inline constexpr std::string_view kFenceHeader = "Pilothouse-Fence";
// The reason of the cause in the Status (409 Conflict) of a write that its fence refused.
inline constexpr std::string_view kFenceCause = "FenceDoesNotHold";

struct Fence {
  ObjectKey lease;
  std::string uid;
  std::string holder;
  std::int32_t transitions = 0;

  bool operator==(const Fence&) const = default;
};

// The term a lease is in.
Fence fence_of(const coordination::v1::Lease& lease);

// The header's value, and what it says; nothing when it is not well-formed.
std::string fence_text(const Fence& fence);
std::optional<Fence> parse_fence(std::string_view text);

}  // namespace ph::api
