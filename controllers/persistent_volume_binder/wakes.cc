#include "controllers/persistent_volume_binder/wakes.h"

#include "api/volumes.h"

namespace ph::controllers::volume_binder {
namespace {

template <class T>
bool is_gone(const T* before, const T* after) {
  return before && (!after || after->metadata().uid() != before->metadata().uid());
}

bool waits_for(const Claim& claim, const Volume& volume) {
  return claim.spec().volume_name().empty() && claim.metadata().uid() == volume.spec().claim_ref().uid() &&
         api::has_same_mode(volume, claim);
}

}  // namespace

std::optional<ObjectKey> claim_of(const Volume& volume) {
  if (!volume.spec().has_claim_ref()) return std::nullopt;
  const auto& ref = volume.spec().claim_ref();
  return ObjectKey{ref.namespace_(), ref.name()};
}

std::vector<ObjectKey> volumes_left(const Claim* before, const Claim* after) {
  if (!is_gone(before, after) || before->spec().volume_name().empty()) return {};
  return {{{}, before->spec().volume_name()}};
}

std::vector<ObjectKey> claims_concerned(const Volume* before, const Volume* after, const FindClaim& find) {
  const auto was = before ? claim_of(*before) : std::nullopt, is = after ? claim_of(*after) : std::nullopt;
  std::vector<ObjectKey> out;
  if (was && (was != is || is_gone(before, after))) out.push_back(*was);
  if (!is || (!out.empty() && out.front() == *is)) return out;
  const Ref<Claim> claim = find(*is);
  if (claim && (claim->metadata().annotations().contains(api::kBindCompleted) || waits_for(*claim, *after))) out.push_back(*is);
  return out;
}

}  // namespace ph::controllers::volume_binder
