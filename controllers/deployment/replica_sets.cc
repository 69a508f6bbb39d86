#include "controllers/deployment/replica_sets.h"

#include <algorithm>

#include "controllers/common/amounts.h"

#include "controllers/common/amounts.h"
#include "controllers/common/name_hash.h"

namespace ph::controllers::deployment {
namespace {

struct Fenceposts {
  int surge = 0, unavailable = 0;
};

Fenceposts fenceposts(const Deployment& deployment) {
  const auto& rolling = deployment.spec().strategy().rolling_update();
  Fenceposts out{scaled(rolling.max_surge(), wanted(deployment), true),
                 scaled(rolling.max_unavailable(), wanted(deployment), false)};
  // Both may be zero only by rounding; then a rollout could never move.
  if (out.surge == 0 && out.unavailable == 0) out.unavailable = 1;
  return out;
}

std::pair<std::int64_t, std::string_view> age_of(const ReplicaSet& set) {
  return {set.metadata().creation_timestamp().seconds(), set.metadata().name()};
}

std::string canonical(core::v1::PodTemplateSpec from) {
  from.mutable_metadata()->mutable_labels()->erase(kTemplateHash);
  return api::encode_protobuf(from);
}

int sum(const Sets& sets, int (*part)(const ReplicaSet&)) {
  int out = 0;
  for (const Ref<ReplicaSet>& set : sets) out += part(*set);
  return out;
}

}  // namespace

int wanted(const Deployment& deployment) { return deployment.spec().has_replicas() ? deployment.spec().replicas() : 1; }
int wanted(const ReplicaSet& set) { return set.spec().has_replicas() ? set.spec().replicas() : 1; }

bool rolls(const Deployment& deployment) { return deployment.spec().strategy().type() == "RollingUpdate"; }

int max_surge(const Deployment& deployment) { return rolls(deployment) ? fenceposts(deployment).surge : 0; }

int max_unavailable(const Deployment& deployment) {
  if (!rolls(deployment) || wanted(deployment) == 0) return 0;
  return std::min(fenceposts(deployment).unavailable, wanted(deployment));
}

std::optional<std::int64_t> number_annotation(const meta::v1::ObjectMeta& metadata, const std::string& name) {
  const auto found = metadata.annotations().find(name);
  if (found == metadata.annotations().end()) return std::nullopt;
  const std::string& text = found->second;
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

std::int64_t revision_of(const ReplicaSet& set) { return number_annotation(set.metadata(), kRevision).value_or(0); }

bool same_template(const core::v1::PodTemplateSpec& a, const core::v1::PodTemplateSpec& b) {
  return canonical(a) == canonical(b);
}

std::string template_hash(const core::v1::PodTemplateSpec& from, const std::optional<std::int32_t>& collisions) {
  std::uint32_t hash = 2166136261u;  // FNV-1a
  const auto mix = [&hash](std::string_view bytes) {
    for (const unsigned char byte : bytes) hash = (hash ^ byte) * 16777619u;
  };
  mix(canonical(from));
  if (collisions) mix(std::to_string(*collisions));
  return spelled_hash(hash);
}

Ref<ReplicaSet> find_new(const Deployment& deployment, const Sets& sets) {
  // Two may match after a crash between the creations of different versions: the oldest is the one that was meant.
  Ref<ReplicaSet> found;
  const std::string wanted = canonical(deployment.spec().template_());
  for (const Ref<ReplicaSet>& set : sets) {
    if (found && !older_first(set, found)) continue;
    if (canonical(set->spec().template_()) == wanted) found = set;
  }
  return found;
}

int total_wanted(const Sets& sets) {
  return sum(sets, [](const ReplicaSet& set) { return wanted(set); });
}
int total_available(const Sets& sets) {
  return sum(sets, [](const ReplicaSet& set) -> int { return set.status().available_replicas(); });
}
int total_actual(const Sets& sets) {
  return sum(sets, [](const ReplicaSet& set) -> int { return set.status().replicas(); });
}

bool older_first(const Ref<ReplicaSet>& a, const Ref<ReplicaSet>& b) { return age_of(*a) < age_of(*b); }

bool bigger_then_older_first(const Ref<ReplicaSet>& a, const Ref<ReplicaSet>& b) {
  if (wanted(*a) != wanted(*b)) return wanted(*a) > wanted(*b);
  return older_first(a, b);
}

bool bigger_then_newer_first(const Ref<ReplicaSet>& a, const Ref<ReplicaSet>& b) {
  if (wanted(*a) != wanted(*b)) return wanted(*a) > wanted(*b);
  return older_first(b, a);
}

bool by_revision(const Ref<ReplicaSet>& a, const Ref<ReplicaSet>& b) {
  if (revision_of(*a) != revision_of(*b)) return revision_of(*a) < revision_of(*b);
  return older_first(a, b);
}

Sets with_replicas(const Sets& sets) {
  Sets out;
  std::ranges::copy_if(sets, std::back_inserter(out), [](const Ref<ReplicaSet>& set) { return wanted(*set) > 0; });
  return out;
}

}  // namespace ph::controllers::deployment
