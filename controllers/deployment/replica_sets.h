// What a Deployment knows of its ReplicaSets: which one is new, revisions, sizes, the annotations that carry them. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controllers/runtime/loop.h"

namespace ph::controllers::deployment {

using apps::v1::Deployment;
using apps::v1::ReplicaSet;
using Sets = std::vector<Ref<ReplicaSet>>;

inline constexpr const char* kRevision = "deployment.kubernetes.io/revision";
inline constexpr const char* kRevisionHistory = "deployment.kubernetes.io/revision-history";
inline constexpr const char* kDesiredReplicas = "deployment.kubernetes.io/desired-replicas";
inline constexpr const char* kMaxReplicas = "deployment.kubernetes.io/max-replicas";
inline constexpr const char* kTemplateHash = "pod-template-hash";

int wanted(const Deployment& deployment);
int wanted(const ReplicaSet& set);

bool rolls(const Deployment& deployment);  // strategy RollingUpdate
// Of maxSurge and maxUnavailable, in pods: surge rounded up, unavailable down, never both zero.
int max_surge(const Deployment& deployment);
int max_unavailable(const Deployment& deployment);

// An annotation as a number; nothing when it is absent or none.
std::optional<std::int64_t> number_annotation(const meta::v1::ObjectMeta& metadata, const std::string& name);
std::int64_t revision_of(const ReplicaSet& set);

// Equal but for the label pod-template-hash.
bool same_template(const core::v1::PodTemplateSpec& a, const core::v1::PodTemplateSpec& b);
// The value of pod-template-hash for a new set: the same template and collisions give the same text.
std::string template_hash(const core::v1::PodTemplateSpec& from, const std::optional<std::int32_t>& collisions);

// The oldest set with the deployment's template; null: there is none yet.
Ref<ReplicaSet> find_new(const Deployment& deployment, const Sets& sets);

int total_wanted(const Sets& sets);
int total_available(const Sets& sets);
int total_actual(const Sets& sets);

// Orders for std::ranges::sort.
bool older_first(const Ref<ReplicaSet>& a, const Ref<ReplicaSet>& b);
bool bigger_then_older_first(const Ref<ReplicaSet>& a, const Ref<ReplicaSet>& b);
bool bigger_then_newer_first(const Ref<ReplicaSet>& a, const Ref<ReplicaSet>& b);
bool by_revision(const Ref<ReplicaSet>& a, const Ref<ReplicaSet>& b);

Sets with_replicas(const Sets& sets);  // those that want any

}  // namespace ph::controllers::deployment
