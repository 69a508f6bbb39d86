// Which pods a StatefulSet has: their ordinals, names, labels and volumes. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "controllers/common/pods.h"

namespace ph::controllers::statefulset {

using apps::v1::StatefulSet;

inline constexpr const char* kPodName = "statefulset.kubernetes.io/pod-name";
inline constexpr const char* kPodIndex = "apps.kubernetes.io/pod-index";

std::int64_t wanted_replicas(const StatefulSet& set);
std::int64_t first_ordinal(const StatefulSet& set);
// Whether the set wants a pod of that ordinal.
bool wants(const StatefulSet& set, std::int64_t ordinal);

std::string pod_name(const StatefulSet& set, std::int64_t ordinal);
// Of a name that the set would give a pod; nothing: of any other.
std::optional<std::int64_t> ordinal_of(const StatefulSet& set, std::string_view pod);

// The pod is called what its label says.
bool has_identity(const PodView& pod);
// Name and labels of the pod of that ordinal.
void give_identity(const StatefulSet& set, std::int64_t ordinal, core::v1::Pod& pod);

// The pod mounts the claims of its ordinal, each under the name of its template.
bool has_storage(const StatefulSet& set, std::int64_t ordinal, const core::v1::Pod& pod);
void give_storage(const StatefulSet& set, std::int64_t ordinal, core::v1::Pod& pod);

// The pod of that ordinal, as it is created.
core::v1::Pod make_pod(const StatefulSet& set, const core::v1::PodTemplateSpec& from, const std::string& revision,
                       std::int64_t ordinal);

}  // namespace ph::controllers::statefulset
