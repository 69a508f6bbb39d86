// metadata.managedFields as what they say: who owns which fields. Internal to api/patch/.
#pragma once

#include <optional>
#include <vector>

#include "api/patch/field_set.h"
#include "api/patch/managed_fields.h"
#include "meta/v1.pb.h"

namespace ph::api {

using ManagedFields = google::protobuf::RepeatedPtrField<meta::v1::ManagedFieldsEntry>;

struct Owner {
  meta::v1::ManagedFieldsEntry entry;  // without fields
  FieldSet fields;
};
using Owners = std::vector<Owner>;

// Whether both entries are one owner's. One that applies keeps its entry whatever version it speaks.
bool is_same_manager(const meta::v1::ManagedFieldsEntry& a, const meta::v1::ManagedFieldsEntry& b);
// The entry of a manager who speaks a version; it has no time.
meta::v1::ManagedFieldsEntry entry_of(const Manager& manager, const Schema& schema);

// Nothing when an entry cannot be read.
std::optional<Owners> read_owners(const ManagedFields& entries);
// As the schema is now: a custom kind's may have been another one when they were written.
void renew_owners(Owners& owners, const Schema& schema);
// Upstream's order: by operation, time, name, version and sub-resource.
bool is_before(const Owner& a, const Owner& b);
void write_owners(Owners owners, ManagedFields& into);
// Null: it owns nothing.
const Owner* find_owner(const Owners& owners, const meta::v1::ManagedFieldsEntry& who);
// The owner's place, made if there is none.
Owner& owner_for(Owners& owners, const meta::v1::ManagedFieldsEntry& who);
// Whoever owns nothing more is no owner.
void drop_empty(Owners& owners);

}  // namespace ph::api
