#include <algorithm>

#include <fmt/format.h>

#include "api/errors.h"
#include "api/gated_fields.h"
#include "api/object.h"
#include "apiserver/rest/aside.h"
#include "apiserver/rest/conversions.h"
#include "apiserver/rest/deletion.h"
#include "apiserver/rest/managers.h"
#include "apiserver/rest/round.h"
#include "apiserver/rest/validate.h"

namespace ph::apiserver {
namespace {

using meta::v1::ObjectMeta;

// What the caller believes to be changing.
void check_revision(const Served& served, const std::string& qualified, UpdateKind kind, const ObjectMeta& wanted,
                    const ObjectMeta& stored, Revision revision) {
  const Revision named = revision_of(wanted);
  if (named != Revision{} && named != revision) throw api::conflict(qualified, stored.name(), kModified);
  if (named != Revision{} || !served.has(kNeedsRevision) || kind == UpdateKind::Part) return;
  api::Errors errors;
  errors.invalid(api::Path("metadata.resourceVersion"), "0", "must be specified for an update");
  // Upstream names the resource here, not the kind.
  throw api::invalid(served.qualified, stored.name(), errors.list());
}

// What no update changes.
void keep_system_fields(ObjectMeta& wanted, const ObjectMeta& stored) {
  if (wanted.uid().empty()) wanted.set_uid(stored.uid());
  wanted.set_generation(stored.generation());
  wanted.set_namespace_(stored.namespace_());
  wanted.clear_self_link();
  *wanted.mutable_creation_timestamp() = stored.creation_timestamp();
  if (!wanted.has_deletion_timestamp() && stored.has_deletion_timestamp()) {
    *wanted.mutable_deletion_timestamp() = stored.deletion_timestamp();
  }
  if (!wanted.has_deletion_grace_period_seconds() && stored.has_deletion_grace_period_seconds()) {
    wanted.set_deletion_grace_period_seconds(stored.deletion_grace_period_seconds());
  }
}

void keep_other_part(const Served& served, UpdateKind kind, api::Object& object, const api::Object& old) {
  if (kind == UpdateKind::Main && served.resource->subresource("status") != nullptr) restore_status(object, old);
  if (kind != UpdateKind::Status) return;
  restore_all_but_status(object, old);
  ObjectMeta& metadata = object.mutable_metadata();
  *metadata.mutable_owner_references() = old.metadata().owner_references();
}

void prepare(Served& served, UpdateKind kind, WriteContext& context, api::Object& object, const api::Object& old) {
  switch (kind) {
    case UpdateKind::Status: served.rules->prepare_status(context, object, old); return;
    // A node is not a wish of the user: binding leaves the generation alone.
    case UpdateKind::Part:
      if (context.subresource == "binding") return;
      break;
    case UpdateKind::Main: served.rules->prepare_update(context, object, old);
  }
  if (!served.has(kGeneration)) return;
  if (spec_differs(object, old, served.resource->subresource("status") != nullptr) ||
      served.rules->raises_generation(object, old)) {
    ObjectMeta& metadata = object.mutable_metadata();
    metadata.set_generation(old.metadata().generation() + 1);
  }
}

// What no request changes of what it has made. The draft has a whole entry and two objects.
void complete(const Served& served, const std::string& qualified, UpdateKind kind, Draft& draft) {
  ObjectMeta& metadata = draft.object.mutable_metadata();
  check_revision(served, qualified, kind, metadata, draft.old.metadata(), draft.entry->revision);
  keep_system_fields(metadata, draft.old.metadata());
  metadata.set_resource_version(to_string(draft.entry->revision));
  keep_other_part(served, kind, draft.object, draft.old);
}

// What somebody outside has made of the object: it is judged, and keeps what requests do not change, as if it had been sent.
void settle_changed(const Served& served, const std::string& qualified, UpdateKind kind, Draft& draft) {
  if (draft.object.metadata().namespace_() != draft.old.metadata().namespace_()) {
    throw api::bad_request("the namespace of the provided object does not match the namespace sent on the request");
  }
  complete(served, qualified, kind, draft);
}

// The update took away the last thing that kept an object that is being deleted.
bool completes_deletion(const Served& served, const api::Object& object, const api::Object& old) {
  const ObjectMeta& before = old.metadata();
  if (object.metadata().finalizers_size() > 0 || !before.has_deletion_timestamp()) return false;
  if (before.deletion_grace_period_seconds() != 0) return false;
  return !served.rules->holds(object);
}

}  // namespace

Draft draft_update(const Served& served, UpdateKind kind, EntryRef entry, const Make& make, const std::string& manager,
                   const std::string& subresource, Time now) {
  Draft draft{.entry = std::move(entry), .old = {}, .object = {}};
  draft.old = decode_entry(*served.resource, *draft.entry);
  draft.object = make(draft.old);
  complete(served, served.qualified, kind, draft);
  if (!manager.empty()) draft.recorded = record_plain(served, draft.object, &draft.old, manager, subresource, now);
  return draft;
}

Task<WriteResult> update_object(Core& core, Served& served, ObjectKey key, UpdateKind kind, Make make, WriteRequest request) {
  const bool shown_as_other = request.through && request.through->stored_as;
  const std::string qualified = shown_as_other ? request.through->qualified : served.qualified;
  const std::shared_ptr<Conversions> conversions = conversions_for(request, served);
  Race race(core.lines);
  for (int attempt = 0; attempt < kAttempts;) {
    co_await race.turn_of(served.prefix, key);
    served.cache->publish();  // for the drafts of those who come
    const EntryRef entry = served.cache->find(key.text());
    if (!entry) throw api::not_found(qualified, key.name);
    const std::size_t size = std::max(request.size, entry->protobuf->size());
    Draft draft;
    if (const auto ahead = std::exchange(request.draft, nullptr); ahead && ahead->entry == entry) {
      draft = std::move(*ahead);
    } else {
      draft.entry = entry;
      draft.old = co_await converting(core, conversions, size, [&] { return stored_object(served, *entry); });
      draft.object = co_await converting(core, conversions, request.make_is_pure ? size : 0, [&] { return make(draft.old); });
      complete(served, qualified, kind, draft);
    }
    const api::Object& old = draft.old;
    api::Object& object = draft.object;

    Round round(core, served, request, "UPDATE", key, unchanged(served, *entry), race);
    if (!request.manager.empty() && !draft.recorded) {
      const ManagerRecord record(core, request, &old);
      co_await converting(core, conversions, size, [&] { record.write(object); });
    }
    co_await round.admit(&object, &old);
    if (round.changed_outside()) settle_changed(served, qualified, kind, draft);
    api::drop_gated_fields(object, &old);
    prepare(served, kind, round.context(), object, old);
    co_await converting(core, conversions, size, [&] { validate_update(served, request, kind, object, old); });
    // Of parts only what `make` changes is known to be good.
    if (kind == UpdateKind::Part && round.changed_outside()) validate_create(served, object);
    co_await round.validate(&object, &old);

    const bool removes = completes_deletion(served, object, old);
    co_await round.before_commit(removes ? nullptr : &object, &old);
    auto result = removes ? co_await round.remove(*entry) : co_await round.store(object, entry.get());
    if (result) {
      EntryRef after = removes ? last_state(object, *entry) : std::move(*result);
      co_return WriteResult{.entry = std::move(after), .removed = removes, .spent = std::move(draft)};
    }
    if (!round.sent_to_wait()) ++attempt;
  }
  throw api::conflict(qualified, key.name, kModified);
}

}  // namespace ph::apiserver
