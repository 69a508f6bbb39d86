// What a quota's status says. Pure.
#pragma once

#include <string>
#include <vector>

#include "api/quota/quota.h"
#include "controllers/runtime/loop.h"

namespace ph::controllers::resource_quota {

using api::quota::ResourceQuota;
using core::v1::ResourceQuotaStatus;

// What a quota limits of one kind, and what there is of it.
struct Tally {
  std::vector<std::string> names;  // that are limited and counted there
  api::ResourceAmounts used;       // of these alone; all of them, be it nothing
};

// Of pods: those of a template ask for the same, and are looked at once.
Tally tally_pods(const ResourceQuota& quota, const std::vector<Ref<PodView>>& pods, Time now);
// Of messages.
template <class T>
Tally tally(const ResourceQuota& quota, const api::quota::Counted& counted, const std::vector<Ref<T>>& objects, Time now);
// Of what is only numbered: `number` of them in the namespace.
Tally tally_number(const ResourceQuota& quota, const api::quota::Counted& counted, std::size_t number);

// Limits as the spec has them; what is used of each as told by `tallies`, and as it was told before where nobody tells it now.
ResourceQuotaStatus status_of(const ResourceQuota& quota, const std::vector<Tally>& tallies);
// Whether writing `after` would say anything new.
bool same(const ResourceQuota& quota, const ResourceQuotaStatus& after);
// Whether less is used by it of anything.
bool gives_back(const ResourceQuota& quota, const ResourceQuotaStatus& after);

// Whether it limits what it has not limited yet: only from then on admission charges it.
bool limits_more(const ResourceQuota& quota, const ResourceQuotaStatus& after);

// Whether a quota is to be counted anew since its spec has changed.
bool is_changed(const ResourceQuota* before, const ResourceQuota* after);

}  // namespace ph::controllers::resource_quota
