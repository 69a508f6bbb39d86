#include "controllers/resource_quota/plan.h"

#include <algorithm>

#include "api/codec.h"
#include "api/kinds.h"
#include "api/sorted.h"
#include "informers/pod_asks.h"

namespace ph::controllers::resource_quota {
namespace {

namespace quota = api::quota;

Tally begun(const ResourceQuota& quota, const quota::Counted& counted) {
  Tally out;
  out.names = quota::names_in(quota.spec().hard(), counted);
  for (const std::string& name : out.names) out.used.emplace(name, api::Quantity());
  return out;
}

// `times` objects that use this.
void count(Tally& tally, const api::ResourceAmounts& usage, std::uint64_t times) {
  for (const std::string& name : tally.names) {
    const auto used = usage.find(name);
    if (used == usage.end()) continue;
    api::Quantity& sum = tally.used[name];
    api::Quantity power = used->second;
    for (std::uint64_t left = times; left != 0; left >>= 1) {
      if (left & 1) sum += power;
      power += api::Quantity(power);
    }
  }
}

bool same_amounts(const quota::QuantityMap& a, const quota::QuantityMap& b) {
  return a.size() == b.size() && std::ranges::all_of(a, [&](const auto& entry) {
           const auto other = b.find(entry.first);
           return other != b.end() && api::same_quantity(entry.second.string(), other->second.string());
         });
}

}  // namespace

Tally tally_pods(const ResourceQuota& quota, const std::vector<Ref<PodView>>& pods, Time now) {
  static const std::unique_ptr<quota::Counted> counted = quota::counted("", "pods");
  Tally out = begun(quota, *counted);
  if (out.names.empty()) return out;
  struct Alike {
    const PodView* pod;
    bool counts;
    std::uint64_t number = 0;
  };
  std::vector<Alike> groups;
  std::map<std::pair<const char*, bool>, std::size_t> known;  // by what they ask for, which is one text, and whether they count
  for (const Ref<PodView>& pod : pods) {
    const bool counts = quota::pod_counts(pod->phase.view(), pod->deletion, pod->deletion_grace_seconds, now);
    const auto [at, is_new] = known.try_emplace({pod->asks.view().data(), counts}, groups.size());
    if (is_new) groups.push_back({pod.get(), counts});
    ++groups[at->second].number;
  }
  for (const Alike& group : groups) {
    core::v1::Pod pod = informers::asked_of(*group.pod);
    if (!group.counts) pod.mutable_status()->set_phase("Failed");
    if (quota::is_in_scopes(quota, *counted, pod)) count(out, counted->usage(pod, now), group.number);
  }
  return out;
}

template <class T>
Tally tally(const ResourceQuota& quota, const quota::Counted& counted, const std::vector<Ref<T>>& objects, Time now) {
  Tally out = begun(quota, counted);
  if (out.names.empty()) return out;
  for (const Ref<T>& object : objects) {
    if (quota::is_in_scopes(quota, counted, *object)) count(out, counted.usage(*object, now), 1);
  }
  return out;
}
template Tally tally(const ResourceQuota&, const quota::Counted&, const std::vector<Ref<core::v1::Service>>&, Time);
template Tally tally(const ResourceQuota&, const quota::Counted&, const std::vector<Ref<core::v1::PersistentVolumeClaim>>&, Time);
template Tally tally(const ResourceQuota&, const quota::Counted&, const std::vector<Ref<resources::v1::ResourceClaim>>&, Time);

Tally tally_number(const ResourceQuota& quota, const quota::Counted& counted, std::size_t number) {
  Tally out = begun(quota, counted);
  if (!quota::scopes_of(quota).empty()) return out;
  for (auto& [name, used] : out.used) used = api::Quantity::of(static_cast<std::int64_t>(number));
  return out;
}

ResourceQuotaStatus status_of(const ResourceQuota& quota, const std::vector<Tally>& tallies) {
  ResourceQuotaStatus out;
  *out.mutable_hard() = quota.spec().hard();
  for (const auto& [name, limit] : in_any_order(quota.spec().hard())) {
    const auto before = quota.status().used().find(name);
    if (before != quota.status().used().end()) (*out.mutable_used())[name] = before->second;
  }
  for (const Tally& tally : tallies) {
    for (const auto& [name, used] : tally.used) (*out.mutable_used())[name].set_string(used.text());
  }
  return out;
}

bool same(const ResourceQuota& quota, const ResourceQuotaStatus& after) {
  const ResourceQuotaStatus& before = quota.status();
  return same_amounts(before.hard(), after.hard()) && same_amounts(before.used(), after.used());
}

bool gives_back(const ResourceQuota& quota, const ResourceQuotaStatus& after) {
  return std::ranges::any_of(after.used(), [&](const auto& entry) {
    const auto before = quota.status().used().find(entry.first);
    if (before == quota.status().used().end()) return false;
    const auto was = api::Quantity::parse(before->second.string()), is = api::Quantity::parse(entry.second.string());
    return was && is && *is < *was;
  });
}

bool limits_more(const ResourceQuota& quota, const ResourceQuotaStatus& after) {
  const auto& before = quota.status();
  return std::ranges::any_of(after.used(), [&](const auto& entry) {
    return !before.hard().contains(entry.first) || !before.used().contains(entry.first);
  });
}

bool is_changed(const ResourceQuota* before, const ResourceQuota* after) {
  if (!before || !after) return true;
  return api::encode_protobuf(before->spec()) != api::encode_protobuf(after->spec());
}

}  // namespace ph::controllers::resource_quota
