#include "controllers/statefulset/identity.h"

#include <algorithm>
#include <charconv>

#include "controllers/common/revision_history.h"
#include "controllers/statefulset/claims.h"

namespace ph::controllers::statefulset {

using core::v1::Pod;
using core::v1::Volume;

std::int64_t wanted_replicas(const StatefulSet& set) { return set.spec().has_replicas() ? set.spec().replicas() : 1; }
std::int64_t first_ordinal(const StatefulSet& set) { return set.spec().ordinals().start(); }

bool wants(const StatefulSet& set, std::int64_t ordinal) {
  return ordinal >= first_ordinal(set) && ordinal < first_ordinal(set) + wanted_replicas(set);
}

std::string pod_name(const StatefulSet& set, std::int64_t ordinal) {
  return set.metadata().name() + "-" + std::to_string(ordinal);
}

std::optional<std::int64_t> ordinal_of(const StatefulSet& set, std::string_view pod) {
  const std::string& name = set.metadata().name();
  if (!pod.starts_with(name) || pod.substr(name.size(), 1) != "-") return std::nullopt;
  pod.remove_prefix(name.size() + 1);
  std::int64_t out = -1;
  const auto [end, error] = std::from_chars(pod.data(), pod.data() + pod.size(), out);
  // "web-00" is a name, but none that the set would give: taken for web-0, it would be in that one's way for ever.
  if (error != std::errc() || out < 0 || std::to_string(out) != pod) return std::nullopt;
  return out;
}

bool has_identity(const PodView& pod) { return pod.label(kPodName) == std::string_view(pod.name); }

void give_identity(const StatefulSet& set, std::int64_t ordinal, Pod& pod) {
  pod.mutable_metadata()->set_name(pod_name(set, ordinal));
  auto& labels = *pod.mutable_metadata()->mutable_labels();
  labels[kPodName] = pod.metadata().name();
  labels[kPodIndex] = std::to_string(ordinal);
}

bool has_storage(const StatefulSet& set, std::int64_t ordinal, const Pod& pod) {
  return std::ranges::all_of(set.spec().volume_claim_templates(), [&](const core::v1::PersistentVolumeClaim& claim) {
    return std::ranges::any_of(pod.spec().volumes(), [&](const Volume& volume) {
      return volume.name() == claim.metadata().name() &&
             volume.volume_source().persistent_volume_claim().claim_name() == claim_name(set, claim, ordinal);
    });
  });
}

void give_storage(const StatefulSet& set, std::int64_t ordinal, Pod& pod) {
  google::protobuf::RepeatedPtrField<Volume> volumes;
  for (const auto& claim : set.spec().volume_claim_templates()) {
    Volume& volume = *volumes.Add();
    volume.set_name(claim.metadata().name());
    volume.mutable_volume_source()->mutable_persistent_volume_claim()->set_claim_name(claim_name(set, claim, ordinal));
  }
  for (const Volume& volume : pod.spec().volumes()) {
    const bool replaced = std::ranges::any_of(set.spec().volume_claim_templates(),
                                              [&](const auto& claim) { return claim.metadata().name() == volume.name(); });
    if (!replaced) *volumes.Add() = volume;
  }
  *pod.mutable_spec()->mutable_volumes() = std::move(volumes);
}

Pod make_pod(const StatefulSet& set, const core::v1::PodTemplateSpec& from, const std::string& revision, std::int64_t ordinal) {
  Pod pod = pod_from_template(from, owner_of(set));
  give_identity(set, ordinal, pod);
  (*pod.mutable_metadata()->mutable_labels())[kPodRevision] = revision;
  pod.mutable_spec()->set_hostname(pod.metadata().name());
  pod.mutable_spec()->set_subdomain(set.spec().service_name());
  give_storage(set, ordinal, pod);
  return pod;
}

}  // namespace ph::controllers::statefulset
