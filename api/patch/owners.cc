#include "api/patch/owners.h"

#include <algorithm>
#include <tuple>

#include "api/codec.h"
#include "api/patch/typed.h"

namespace ph::api {

namespace {

using meta::v1::ManagedFieldsEntry;

std::int64_t seconds_of(const ManagedFieldsEntry& entry) { return entry.has_time() ? entry.time().seconds() : 0; }

}  // namespace

bool is_same_manager(const ManagedFieldsEntry& a, const ManagedFieldsEntry& b) {
  const bool same_version = a.operation() == "Apply" || a.api_version() == b.api_version();
  return a.manager() == b.manager() && a.operation() == b.operation() && a.subresource() == b.subresource() && same_version;
}

ManagedFieldsEntry entry_of(const Manager& manager, const Schema& schema) {
  ManagedFieldsEntry out;
  out.set_manager(manager.name);
  out.set_operation(manager.operation);
  out.set_subresource(manager.subresource);
  if (schema.kind) out.set_api_version(schema.kind->api_version());
  return out;
}

std::optional<Owners> read_owners(const ManagedFields& entries) {
  Owners out;
  for (const ManagedFieldsEntry& entry : entries) {
    const bool known = entry.fields_type() == "FieldsV1" && (entry.operation() == "Update" || entry.operation() == "Apply");
    if (!known) return std::nullopt;
    Owner owner{.entry = entry, .fields = {}};
    owner.entry.clear_fields_v1();
    try {
      owner.fields = FieldSet::from_fields_v1(entry.fields_v1().raw());
    } catch (const DecodeError&) {
      return std::nullopt;
    }
    out.push_back(std::move(owner));
  }
  return out;
}

void renew_owners(Owners& owners, const Schema& schema) {
  if (!schema.custom || !schema.kind) return;
  const std::string version = schema.kind->api_version();
  for (Owner& owner : owners) {
    if (owner.entry.api_version() == version) owner.fields = with_atoms_whole(schema, owner.fields);
  }
}

bool is_before(const Owner& a, const Owner& b) {
  const auto rank = [](const ManagedFieldsEntry& e) {
    return std::tuple<const std::string&, std::int64_t, const std::string&, const std::string&, const std::string&>(
        e.operation(), seconds_of(e), e.manager(), e.api_version(), e.subresource());
  };
  return rank(a.entry) < rank(b.entry);
}

void write_owners(Owners owners, ManagedFields& into) {
  std::ranges::sort(owners, is_before);
  into.Clear();
  for (Owner& owner : owners) {
    ManagedFieldsEntry& entry = *into.Add();
    entry = std::move(owner.entry);
    entry.set_fields_type("FieldsV1");
    entry.mutable_fields_v1()->set_raw(owner.fields.fields_v1());
  }
}

const Owner* find_owner(const Owners& owners, const ManagedFieldsEntry& who) {
  const auto found = std::ranges::find_if(owners, [&](const Owner& owner) { return is_same_manager(owner.entry, who); });
  return found == owners.end() ? nullptr : &*found;
}

Owner& owner_for(Owners& owners, const ManagedFieldsEntry& who) {
  if (const Owner* found = find_owner(owners, who)) return owners[static_cast<std::size_t>(found - owners.data())];
  return owners.emplace_back(Owner{.entry = who, .fields = {}});
}

void drop_empty(Owners& owners) {
  std::erase_if(owners, [](const Owner& owner) { return owner.fields.empty(); });
}

}  // namespace ph::api
