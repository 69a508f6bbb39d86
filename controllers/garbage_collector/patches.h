// The patches of the garbage collector: pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/schema.h"
#include "informers/metadata_view.h"
#include "meta/v1.pb.h"

namespace ph::controllers::garbage_collector {

// The server merges lists of the kind by their keys: of kinds that Kubernetes has built in. Others (custom and aggregated ones) may
// know JSON merge patches alone, in which a list is replaced as a whole.
bool merges_by_keys(const api::Resource& resource);

// -- Strategic: pinned to the UID.
std::string drop_owners(std::string_view uid, const std::vector<std::string>& owners);
std::string unblock_owners(const informers::MetadataView& object);

// -- Merge: pinned to the revision, so that nothing is lost that came meanwhile.
std::string owners_without(const meta::v1::ObjectMeta& live, const std::vector<std::string>& owners);
std::string owners_unblocked(const meta::v1::ObjectMeta& live);
std::string without_finalizer(const informers::MetadataView& object, std::string_view finalizer);

}  // namespace ph::controllers::garbage_collector
