#include "api/patch/managed_fields.h"

#include <algorithm>
#include <map>
#include <optional>

#include "api/object.h"
#include "api/patch/field_set.h"
#include "api/patch/owners.h"
#include "api/times.h"

namespace ph::api {
namespace {

using meta::v1::ManagedFieldsEntry;

constexpr std::size_t kUpdatersMax = 10;

bool is_reset(const ManagedFields& entries) { return entries.size() == 1 && entries[0].ByteSizeLong() == 0; }

// Each program that ever updated the object would stay for ever: the oldest are thrown together, one a version.
void cap_updaters(Owners& owners) {
  Owners updaters, kept;
  for (Owner& owner : owners) (owner.entry.operation() == "Update" ? updaters : kept).push_back(std::move(owner));
  std::ranges::sort(updaters, is_before);
  Owners buckets;
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
Owners starting_owners(const ManagedFields& request, const ManagedFields& stored, const Manager& manager) {
  if (manager.subresource.empty()) {
    if (is_reset(request)) return {};
    auto out = read_owners(request);
    if (out && !out->empty()) return std::move(*out);
  }
  return read_owners(stored).value_or(Owners());
}

// What has changed, as the managers of each version see it.
class Changes {
 public:
  Changes(const Object& old, const Object& now, const AsVersion& as_version) : old_(old), now_(now), as_version_(as_version) {
    own_ = compare_fields(old, now);
  }

  const FieldChanges& own() const { return own_; }

  // Null: there is no such version.
  const FieldChanges* at(const std::string& version) {
    if (!as_version_ || !now_.schema().kind || version == now_.schema().kind->api_version()) return &own_;
    const auto [at, is_new] = others_.try_emplace(version);
    if (is_new) {
      const Object old = as_version_(old_, version), now = as_version_(now_, version);
      if (old && now) at->second = compare_fields(old, now);
    }
    return at->second ? &*at->second : nullptr;
  }

 private:
  const Object& old_;
  const Object& now_;
  const AsVersion& as_version_;
  FieldChanges own_;
  std::map<std::string, std::optional<FieldChanges>> others_;
};

FieldSet taken_of(const FieldChanges& changes) { return changes.added.united(changes.modified); }

}  // namespace

void record_update(Object& object, const Object* old, const Manager& manager, Time now, const AsVersion& as_version) {
  const Schema& schema = object.schema();
  const Object blank = old ? Object() : Object::make(schema);
  const Object& from = old ? *old : blank;
  ManagedFields& entries = *object.mutable_metadata().mutable_managed_fields();
  Owners owners = starting_owners(entries, from.metadata().managed_fields(), manager);
  if (old && owners.empty()) return entries.Clear();
  Changes changes(from, object, as_version);
  if (changes.own().empty()) return write_owners(std::move(owners), entries);
  renew_owners(owners, schema);

  FieldSet taken = taken_of(changes.own());
  const ManagedFieldsEntry who = entry_of(manager, schema);
  for (Owner& owner : owners) {
    const FieldChanges* there = changes.at(owner.entry.api_version());
    if (!there) {
      owner.fields = {};
      continue;
    }
    owner.fields.remove(there->removed);
    if (!is_same_manager(owner.entry, who)) owner.fields.remove(there == &changes.own() ? taken : taken_of(*there));
  }
  if (!taken.empty()) {
    Owner& self = owner_for(owners, who);
    self.fields.add(std::move(taken));
    self.entry.set_api_version(who.api_version());
    // As upstream's, what comes through the scale has none.
    if (manager.subresource == "scale") {
      self.entry.clear_time();
    } else {
      set_time(self.entry.mutable_time(), now);
    }
  }
  drop_empty(owners);
  cap_updaters(owners);
  write_owners(std::move(owners), entries);
}

}  // namespace ph::api
