#include "apiserver/rest/deletion.h"

#include <algorithm>

#include "api/encoded.h"
#include "api/object.h"
#include "api/times.h"

namespace ph::apiserver {
namespace {

using meta::v1::DeleteOptions;
using meta::v1::ObjectMeta;

constexpr std::string_view kOrphan = "orphan";
constexpr std::string_view kForeground = "foregroundDeletion";

bool has_finalizer(const ObjectMeta& metadata, std::string_view name) {
  return std::ranges::find(metadata.finalizers(), name) != metadata.finalizers().end();
}

// The options decide; without them a finalizer that is there; without one the resource's habit.
bool should_orphan(const Served& served, const ObjectMeta& metadata, const DeleteOptions& options) {
  if (options.has_orphan_dependents()) return options.orphan_dependents();
  if (options.has_propagation_policy()) return options.propagation_policy() == "Orphan";
  if (has_finalizer(metadata, kOrphan)) return true;
  if (has_finalizer(metadata, kForeground)) return false;
  return served.has(kOrphansByDefault);
}

bool should_wait_for_dependents(const ObjectMeta& metadata, const DeleteOptions& options) {
  if (options.has_orphan_dependents()) return false;
  if (options.has_propagation_policy()) return options.propagation_policy() == "Foreground";
  return has_finalizer(metadata, kForeground) && !has_finalizer(metadata, kOrphan);
}

// True when the finalizers of garbage collection changed.
bool set_policy_finalizers(const Served& served, ObjectMeta& metadata, const DeleteOptions& options) {
  if (served.has(kNoDependents)) return false;
  const bool orphan = should_orphan(served, metadata, options);
  const bool foreground = should_wait_for_dependents(metadata, options);
  if (orphan == has_finalizer(metadata, kOrphan) && foreground == has_finalizer(metadata, kForeground)) return false;
  auto& finalizers = *metadata.mutable_finalizers();
  finalizers.erase(std::remove_if(finalizers.begin(), finalizers.end(),
                                  [](const std::string& name) { return name == kOrphan || name == kForeground; }),
                   finalizers.end());
  if (orphan) metadata.add_finalizers(std::string(kOrphan));
  if (foreground) metadata.add_finalizers(std::string(kForeground));
  return true;
}

void begin(ObjectMeta& metadata, Time at, std::int64_t grace_seconds) {
  if (!metadata.has_deletion_timestamp() && metadata.generation() > 0) metadata.set_generation(metadata.generation() + 1);
  api::set_time(metadata.mutable_deletion_timestamp(), at);
  metadata.set_deletion_grace_period_seconds(grace_seconds);
}

enum class Grace { None, Pending, Marked };

// Sets the grace of a resource that has one. Once a deletion has begun, its grace may only be shortened.
Grace apply_grace(ResourceRules& rules, const api::Object& stored, ObjectMeta& metadata, const DeleteOptions& options, Time now) {
  std::optional<std::int64_t> requested;
  if (options.has_grace_period_seconds()) requested = options.grace_period_seconds();
  const DeletePlan plan = rules.plan_delete(stored, requested);
  if (!plan.grace_seconds) return Grace::None;
  if (!metadata.has_deletion_timestamp()) {
    begin(metadata, now + std::chrono::seconds(*plan.grace_seconds), *plan.grace_seconds);
    return Grace::Marked;
  }
  if (!metadata.has_deletion_grace_period_seconds()) return Grace::None;
  const std::int64_t current = metadata.deletion_grace_period_seconds();
  if (!requested || *requested >= current) return Grace::Pending;
  const Time begun = api::to_time(metadata.deletion_timestamp()) - std::chrono::seconds(current);
  begin(metadata, begun + std::chrono::seconds(*requested), *requested);
  return Grace::Marked;
}

Deletion mark(ResourceRules& rules, api::Object object) {
  rules.mark_deleting(object);
  return {Deletion::Action::Mark, std::move(object)};
}

}  // namespace

EntryRef last_state(api::Object& object, const Entry& entry) {
  object.mutable_metadata().clear_resource_version();
  auto out = std::make_shared<Entry>(entry);
  out->protobuf = share(api::served_bytes(api::encode_stored(object), to_string(entry.revision)));
  return out;
}

Deletion plan_deletion(const Served& served, const api::Object& stored, const DeleteOptions& options, Time now) {
  api::Object object = stored.clone();
  ObjectMeta& metadata = object.mutable_metadata();
  ResourceRules& rules = *served.rules;

  if (rules.holds(stored)) {
    if (metadata.has_deletion_timestamp()) return {};
    set_policy_finalizers(served, metadata, options);
    api::set_time(metadata.mutable_deletion_timestamp(), now);
    return mark(rules, std::move(object));
  }

  const Grace grace = apply_grace(rules, stored, metadata, options, now);
  if (grace == Grace::Pending) return {};
  set_policy_finalizers(served, metadata, options);
  const bool finalizers = metadata.finalizers_size() > 0;
  if (grace == Grace::Marked) {
    if (finalizers || metadata.deletion_grace_period_seconds() > 0) return mark(rules, std::move(object));
    return {Deletion::Action::Remove, std::move(object)};
  }
  if (!finalizers) return {Deletion::Action::Remove, {}};
  const bool begun = metadata.has_deletion_timestamp() && api::to_time(metadata.deletion_timestamp()) <= now;
  begin(metadata, begun ? api::to_time(metadata.deletion_timestamp()) : now, 0);
  return mark(rules, std::move(object));
}

}  // namespace ph::apiserver
