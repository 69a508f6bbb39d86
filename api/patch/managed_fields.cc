#include "api/patch/managed_fields.h"

#include <algorithm>
#include <tuple>
#include <vector>

#include "api/codec.h"
#include "api/kinds.h"
#include "api/object.h"
#include "api/patch/field_set.h"
#include "api/times.h"

namespace ph::api {
namespace {

using meta::v1::ManagedFieldsEntry;
using Entries = google::protobuf::RepeatedPtrField<ManagedFieldsEntry>;

constexpr std::size_t kUpdatersMax = 10;

struct Owner {
  ManagedFieldsEntry entry;  // without fields
  FieldSet fields;
};

bool is_same_manager(const ManagedFieldsEntry& a, const ManagedFieldsEntry& b) {
  // One that applies keeps its entry whatever version it speaks.
  const bool same_version = a.operation() == "Apply" || a.api_version() == b.api_version();
  return a.manager() == b.manager() && a.operation() == b.operation() && a.subresource() == b.subresource() && same_version;
}

// Nothing when an entry cannot be read.
std::optional<std::vector<Owner>> read(const Entries& entries) {
  std::vector<Owner> out;
  for (const ManagedFieldsEntry& entry : entries) {
    const bool known = entry.fields_type() == "FieldsV1" && (entry.operation() == "Update" || entry.operation() == "Apply");
    if (!known) return std::nullopt;
    Owner owner{.entry = entry};
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

bool is_reset(const Entries& entries) { return entries.size() == 1 && entries[0].ByteSizeLong() == 0; }

std::int64_t seconds_of(const ManagedFieldsEntry& entry) { return entry.has_time() ? entry.time().seconds() : 0; }

bool before(const Owner& a, const Owner& b) {
  const auto rank = [](const ManagedFieldsEntry& e) {
    return std::tuple<const std::string&, std::int64_t, const std::string&, const std::string&, const std::string&>(
        e.operation(), seconds_of(e), e.manager(), e.api_version(), e.subresource());
  };
  return rank(a.entry) < rank(b.entry);
}

void write(std::vector<Owner> owners, Entries& into) {
  std::ranges::sort(owners, before);
  into.Clear();
  for (Owner& owner : owners) {
    ManagedFieldsEntry& entry = *into.Add();
    entry = std::move(owner.entry);
    entry.set_fields_type("FieldsV1");
    entry.mutable_fields_v1()->set_raw(owner.fields.fields_v1());
  }
}

Owner& owner_for(std::vector<Owner>& owners, const ManagedFieldsEntry& who) {
  const auto found = std::ranges::find_if(owners, [&](const Owner& owner) { return is_same_manager(owner.entry, who); });
  if (found != owners.end()) return *found;
  return owners.emplace_back(Owner{.entry = who});
}

// Each program that ever updated the object would stay for ever: the oldest are thrown together, one a version.
void cap_updaters(std::vector<Owner>& owners) {
  std::vector<Owner> updaters;
  std::vector<Owner> kept;
  for (Owner& owner : owners) (owner.entry.operation() == "Update" ? updaters : kept).push_back(std::move(owner));
  std::ranges::sort(updaters, before);
  std::vector<Owner> buckets;
  std::size_t first = 0;
  while (updaters.size() - first + buckets.size() > kUpdatersMax && first < updaters.size()) {
    Owner& oldest = updaters[first++];
    ManagedFieldsEntry bucket;
    bucket.set_manager("ancient-changes");
    bucket.set_operation("Update");
    bucket.set_api_version(oldest.entry.api_version());
    Owner& into = owner_for(buckets, bucket);
    into.fields.add(std::move(oldest.fields));
    if (oldest.entry.has_time()) *into.entry.mutable_time() = oldest.entry.time();
  }
  for (Owner& bucket : buckets) kept.push_back(std::move(bucket));
  std::move(updaters.begin() + static_cast<std::ptrdiff_t>(first), updaters.end(), std::back_inserter(kept));
  owners = std::move(kept);
}

// Whose fields the write starts from: the request's where it brings some, else the stored ones.
std::vector<Owner> starting_owners(const Entries& request, const Entries& stored, const Manager& manager) {
  if (manager.subresource.empty()) {
    if (is_reset(request)) return {};
    auto out = read(request);
    if (out && !out->empty()) return std::move(*out);
  }
  return read(stored).value_or(std::vector<Owner>());
}

}  // namespace

void record_update(Object& object, const Object* old, const Manager& manager, Time now) {
  const Schema& schema = object.schema();
  const Object blank = old ? Object() : Object::make(schema);
  const Object& from = old ? *old : blank;
  FieldChanges changes = compare_fields(from, object);

  Entries& entries = *object.mutable_metadata().mutable_managed_fields();
  std::vector<Owner> owners = starting_owners(entries, from.metadata().managed_fields(), manager);
  if (changes.empty()) return write(std::move(owners), entries);

  FieldSet taken = std::move(changes.added);
  taken.add(std::move(changes.modified));
  const bool has_taken = !taken.empty();
  FieldSet lost = changes.removed;
  lost.add(taken);
  ManagedFieldsEntry who;
  who.set_manager(manager.name);
  who.set_operation(manager.operation);
  who.set_subresource(manager.subresource);
  if (schema.kind) who.set_api_version(schema.kind->api_version());

  for (Owner& owner : owners) {
    const bool own = is_same_manager(owner.entry, who);
    owner.fields.remove(own ? changes.removed : lost);
  }
  if (has_taken) {
    Owner& self = owner_for(owners, who);
    self.fields.add(std::move(taken));
    self.entry.set_api_version(who.api_version());
    set_time(self.entry.mutable_time(), now);
  }
  std::erase_if(owners, [](const Owner& owner) { return owner.fields.empty(); });
  cap_updaters(owners);
  write(std::move(owners), entries);
}

}  // namespace ph::api
