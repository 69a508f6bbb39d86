#include "apiserver/rest/round.h"

#include <algorithm>
#include <iterator>

#include "api/encoded.h"
#include "api/errors.h"
#include "api/warnings/warnings.h"
#include "apiserver/admission/trace.h"
#include "apiserver/parts/parts.h"
#include "apiserver/rest/aside.h"
#include "apiserver/rest/conversions.h"
#include "apiserver/storage/judge.h"

namespace ph::apiserver {

Precondition absent(const Served& served, const ObjectKey& key) {
  return {.key = served.prefix + key.text(), .kind = Precondition::Kind::Absent, .revision = {}};
}

Precondition unchanged(const Served& served, const Entry& entry) {
  return {.key = served.prefix + entry.key, .kind = Precondition::Kind::AtRevision, .revision = entry.revision};
}

Round::Round(Core& core, Served& served, const WriteRequest& request, std::string_view operation, ObjectKey key,
             Precondition object, Race& race)
    : core_(core),
      served_(served),
      request_(request),
      key_(std::move(key)),
      race_(race),
      context_{.resource = *served.resource,
               .subresource = request.subresource,
               .reader = core,
               .rng = core.rng,
               .now = core.now(),
               .user = request.user,
               .dry_run = request.dry_run,
               .preconditions = preconditions_,
               .mutations = mutations_,
               .warnings = request.warnings != nullptr ? *request.warnings : own_warnings_,
               .refused = race.refused,
               .on_success = on_success_,
               .on_failure = on_failure_},
      admission_{.resource = served.resource,
                 .subresource = request.subresource,
                 .operation = std::string(operation),
                 .user = &request.user,
                 .dry_run = request.dry_run,
                 .warnings = &context_.warnings,
                 .spoken = request.through ? request.through->resource : nullptr,
                 .options = &request.options,
                 .versions = this,
                 .deadline = request.deadline,
                 .trace = request.trace,
                 .trail = request.trail} {
  preconditions_.push_back(std::move(object));
  if (request_.fence) (void)held(core_, *request_.fence);
}

// A round that was refused before its commit gives back what it took.
Round::~Round() {
  finish(false);
  race_.leave();
}

void Round::finish(bool success) {
  const auto callbacks = std::exchange(success ? on_success_ : on_failure_, {});
  on_success_.clear();
  on_failure_.clear();
  for (const auto& callback : callbacks) callback();
}

Soon<> Round::pass(Pass which, api::Object* object, const api::Object* old) {
  if (!request_.admit) return {};
  admission_.key = key_;
  admission_.object = object;
  admission_.old_object = old;
  if (which == Pass::Admit) race_.admitted_at = served_.cache->revision();
  if (which == Pass::Admit && admission_.trace && object && !admission_.again) admission_.trace->begin(*object);
  ServerMetrics::Admission measured(which == Pass::Commit ? nullptr : core_.metrics.get(), admission_.operation,
                                    which == Pass::Validate);
  const auto& plugins = core_.extensions.admission;
  for (std::size_t i = 0; i < plugins.size(); ++i) {
    Soon<> asked = ask(*plugins[i], which);
    if (!asked.ready()) return pass_on(which, i, std::move(asked), std::move(measured));
    measured.passed();
    trace(which, i);
  }
  return {};
}

void Round::trace(Pass which, std::size_t i) {
  if (which != Pass::Admit || !admission_.trace || !admission_.object) return;
  admission_.trace->note(core_.extensions.admission[i]->name(), *admission_.object);
}

Task<void> Round::pass_on(Pass which, std::size_t i, Soon<> asked, ServerMetrics::Admission measured) {
  const auto& plugins = core_.extensions.admission;
  for (;;) {
    co_await asked;
    measured.passed();
    trace(which, i);
    if (++i == plugins.size()) break;
    asked = ask(*plugins[i], which);
  }
  if (which != Pass::Admit || !admission_.changed_outside || admission_.again) co_return;
  admission_.again = true;
  co_await pass(which, admission_.object, admission_.old_object);
}

api::Object Round::shown(const api::Object& stored, const api::Resource& as) const {
  if (const PartView* part = part_view(request_.subresource)) return part->show(context_.resource, stored);
  if (const auto served = converted(as)) {
    return request_.conversions->known([&] { return served->to_shown(stored); });
  }
  const auto served = core_.find(as.kind.group, as.kind.version, as.plural);
  return served && served->stored_as ? served->to_shown(stored) : stored.clone();
}

api::Object Round::stored(api::Object shown, const api::Resource& as) const {
  if (const PartView* part = part_view(request_.subresource)) return part->take(context_.resource, *admission_.object, shown);
  if (const auto served = converted(as)) {
    return request_.conversions->known([&] { return served->to_stored(shown); });
  }
  const auto served = core_.find(as.kind.group, as.kind.version, as.plural);
  return served ? to_stored(*served, std::move(shown)) : std::move(shown);
}

std::shared_ptr<Served> Round::converted(const api::Resource& as) const {
  if (!request_.conversions || part_view(request_.subresource) != nullptr) return nullptr;
  auto served = core_.find(as.kind.group, as.kind.version, as.plural);
  return served && served->converter && served->stored_as ? std::move(served) : nullptr;
}

Soon<> Round::before_shown(const api::Object& stored, const api::Resource& as) const {
  auto served = converted(as);
  if (!served) return {};
  return request_.conversions->run(core_, 0, [served = std::move(served), &stored] { (void)served->to_shown(stored); });
}

Soon<> Round::before_stored(const api::Object& shown, const api::Resource& as) const {
  auto served = converted(as);
  if (!served) return {};
  return request_.conversions->run(core_, 0, [served = std::move(served), &shown] { (void)served->to_stored(shown); });
}

Soon<> Round::ask(AdmissionPlugin& plugin, Pass which) {
  switch (which) {
    case Pass::Admit: return plugin.admit_soon(admission_);
    case Pass::Validate: return plugin.validate_soon(admission_);
    case Pass::Commit: break;
  }
  return plugin.before_commit_soon(admission_, context_);
}

// Told when nothing has refused the object.
void Round::warn(const api::Object& object, const api::Object* old) {
  if (request_.warnings == nullptr || !request_.subresource.empty()) return;
  std::ranges::move(api::warnings_of(object, old), std::back_inserter(*request_.warnings));
}

Soon<> Round::before_commit(api::Object* object, const api::Object* old) {
  if (object != nullptr) warn(*object, old);
  return then(race_.turns(), [this, object, old] {
    return then(pass(Pass::Commit, object, old), [this, object, old] {
      return then(served_.rules->before_commit_soon(context_, object, old), [this] { judge_again(); });
    });
  });
}

// Without a wait, and in the first round, nothing can have changed.
void Round::judge_again() {
  const Revision now = served_.cache->revision();
  if (!request_.admit || now == race_.admitted_at) return;
  for (const auto& plugin : core_.extensions.admission) plugin->judge_again(admission_);
  race_.admitted_at = now;
}

bool Round::stale() const {
  const EntryRef entry = served_.cache->find(key_.text());
  return !holds(preconditions_[0], entry ? std::optional(entry->revision) : std::nullopt);
}

Task<std::optional<EntryRef>> Round::store(api::Object& object, const Entry* old) {
  object.mutable_metadata().clear_resource_version();
  const std::size_t size = std::max(request_.size, old != nullptr ? old->protobuf->size() : 0);
  std::string value = co_await aside(core_, size, [&] { return api::encode_stored(object); });
  // A write that changes nothing is no write: the object keeps its revision.
  bool same = old != nullptr && mutations_.empty() && preconditions_.size() == 1 &&
              api::served_bytes(value, to_string(old->revision)) == *old->protobuf;
  // … but for one that is stored as it would not be today.
  if (same && !request_.dry_run) same = !co_await core_.store.is_stale(served_.prefix + key_.text());
  if (same || request_.dry_run) {
    finish(false);
    lost_object_ = stale();
    if (lost_object_) co_return std::nullopt;
    if (same) co_return std::make_shared<Entry>(*old);
    const Revision revision = old != nullptr ? old->revision : Revision{};
    if (old != nullptr) value = api::served_bytes(value, to_string(revision));
    co_return result(revision, share(std::move(value)));
  }
  mutations_.push_back({.key = served_.prefix + key_.text(), .value = std::move(value), .last_value_only = last_value_only()});
  const std::optional<Revision> revision = co_await commit();
  if (!revision) co_return std::nullopt;
  const EntryRef cached = served_.cache->find(key_.text());
  if (cached && cached->revision == *revision) co_return cached;
  // Somebody has been quicker to change it again.
  co_return result(*revision, share(api::served_bytes(api::encode_stored(object), to_string(*revision))));
}

Task<std::optional<EntryRef>> Round::remove(const Entry& old) {
  if (request_.dry_run) {
    finish(false);
    if (stale()) co_return std::nullopt;
    co_return std::make_shared<Entry>(old);
  }
  mutations_.push_back({.key = served_.prefix + old.key, .value = std::nullopt, .last_value_only = last_value_only()});
  const std::optional<Revision> revision = co_await commit();
  if (!revision) co_return std::nullopt;
  co_return result(*revision, share(api::served_bytes(*old.protobuf, to_string(*revision))));
}

// Several have a hand in a transaction: that two of them meant the same key shows only here.
void Round::check_keys() const {
  if (mutations_.size() < 2) return;
  std::vector<std::string_view> keys;
  for (const Mutation& mutation : mutations_) keys.push_back(mutation.key);
  std::ranges::sort(keys);
  const auto twice = std::ranges::adjacent_find(keys);
  if (twice != keys.end()) throw api::internal("one write cannot change " + std::string(*twice) + " twice");
}

Task<std::optional<Revision>> Round::commit() {
  check_keys();
  sent_to_wait_ = race_.must_wait(preconditions_);
  if (sent_to_wait_) {
    finish(false);
    co_return std::nullopt;
  }
  // The object's own is the last.
  std::vector<std::string> others;
  for (std::size_t i = 0; i + 1 < mutations_.size(); ++i) others.push_back(mutations_[i].key);
  Transaction transaction;
  transaction.preconditions = preconditions_;
  transaction.mutations = std::move(mutations_);
  transaction.author = request_.user.name;
  const auto outcome =
      request_.fence ? co_await commit_fenced(std::move(transaction)) : co_await core_.store.commit(std::move(transaction));
  if (outcome) {
    finish(true);
    co_return *outcome;
  }
  const std::size_t which = outcome.error().precondition;
  lost_object_ = which == 0;
  if (!lost_object_) race_.lost(preconditions_[which], std::ranges::find(others, preconditions_[which].key) != others.end());
  finish(false);
  co_return std::nullopt;
}

Task<std::expected<Revision, Refused>> Round::commit_fenced(Transaction transaction) {
  const std::size_t fence = transaction.preconditions.size();
  for (int attempt = 0; attempt < kFenceAttempts; ++attempt) {
    Transaction fenced = transaction;
    fenced.preconditions.push_back(held(core_, *request_.fence));
    auto outcome = co_await core_.store.commit(std::move(fenced));
    if (outcome || outcome.error().precondition != fence) co_return outcome;
  }
  throw api::conflict(qualified_resource(context_.resource), key_.name, "the lease of its fence is changing all the time");
}

bool Round::last_value_only() const { return served_.has(kLastValueOnly) || served_.rules->last_value_only(key_); }

EntryRef Round::result(Revision revision, SharedBytes value) const {
  auto entry = std::make_shared<Entry>();
  entry->key = key_.text();
  entry->revision = revision;
  entry->protobuf = std::move(value);
  return entry;
}

}  // namespace ph::apiserver
