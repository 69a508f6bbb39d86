// A pod that waits for a node: the whole message. Pods of one template wait by the thousand, and their specs say the same but for the name
// that the server gives the volume of each pod's token: they share one spec.
#pragma once

#include <memory>
#include <string_view>

#include "api/kinds.h"

namespace ph::scheduler {

// The volume of a token may have a name that no volume can have, `whole` knows the right one.
using PendingPod = std::shared_ptr<const core::v1::Pod>;

// From a pod's bytes, without its managed fields. Throws api::DecodeError. Threads: any.
PendingPod make_pending_pod(std::string_view protobuf);

// The pod as the API has it: for those who hand it on.
core::v1::Pod whole(const PendingPod& pod);

// How many specs are shared; for tests.
std::size_t shared_specs();

}  // namespace ph::scheduler
