// What a pod, or a volume, makes its node need. Reference: "Using Node Authorization", KEP-279.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/kinds.h"

namespace ph::apiserver {

// Objects of the pod's namespace.
enum class Needed : char { Secret = 's', ConfigMap = 'c', Claim = 'v', ServiceAccount = 'a', DeviceClaim = 'd' };

// How such an object is named in what `needs_of` returns.
std::string needed(Needed what, std::string_view name);

// Ordered, each once. A mirror pod needs nothing: nodes make them, and would give themselves rights.
std::vector<std::string> needs_of(const core::v1::Pod& pod);

// The secrets that a node needs to mount the volume, as "namespace/name"; ordered, each once. None of a volume without a claim.
std::vector<std::string> secrets_of(const core::v1::PersistentVolume& volume);

}  // namespace ph::apiserver
