#include "apiserver/extensions/custom_resources.h"

#include <algorithm>

#include <fmt/format.h>
#include <google/protobuf/arena.h>

#include "api/encoded.h"
#include "api/errors.h"
#include "api/kinds.h"
#include "apiserver/extensions/conversion_webhook.h"
#include "apiserver/rest/write.h"

namespace ph::apiserver {

using apiextensions::v1::CustomResourceDefinition;

namespace {

constexpr Duration kRetry = 1s;

WriteRequest own_request(std::string subresource) {
  WriteRequest request;
  request.user = {.name = "system:apiserver", .groups = {"system:masters"}};
  request.manager = "kube-apiserver";
  request.subresource = std::move(subresource);
  request.admit = false;
  return request;
}

bool has_finalizer(const CustomResourceDefinition& definition) {
  const auto& finalizers = definition.metadata().finalizers();
  return std::ranges::find(finalizers, kCleanupFinalizer) != finalizers.end();
}

// What decides how it is served: the specification, which the generation tells, and of the status the names and versions. (Its bytes
// would not do: they hold maps.)
std::string fingerprint_of(const CustomResourceDefinition& definition) {
  const auto& metadata = definition.metadata();
  return fmt::format("{} {} {} {} {}", metadata.uid(), metadata.generation(),
                     definition.status().accepted_names().SerializeAsString(), metadata.has_deletion_timestamp(),
                     definition.status().stored_versions_size());
}

}  // namespace

CustomResources::CustomResources(Core& core)
    : definitions_(core.of(api::schema_of<Definition>())), core_(core), make_converter_(webhook_converters(core)) {}

Task<void> CustomResources::fill() {
  std::vector<std::shared_ptr<Served>> all;
  const Snapshot snapshot = definitions_.cache->snapshot();
  // A schema is hundreds of small objects, which a thousand definitions would leave scattered among what is kept.
  std::vector<char> block(std::size_t{256} * 1024);
  google::protobuf::ArenaOptions options;
  options.initial_block = block.data();
  options.initial_block_size = block.size();
  google::protobuf::Arena arena(options);
  for (const EntryRef& entry : *snapshot.entries) {
    auto& definition = *google::protobuf::Arena::CreateMessage<Definition>(&arena);
    api::decode_stored(*entry->protobuf, definition);
    note(definition);
    Known& known = known_[definition.metadata().name()];
    if (is_true(definition, "Established")) {
      known.fingerprint = fingerprint_of(definition);
      std::ranges::move(served_by(definition, make_converter_), std::back_inserter(all));
    }
    if (is_settled(definition)) known.settled = entry->revision;
    arena.Reset();
  }
  co_await core_.serve(std::move(all));
}

// Whether nothing is to be written of it. What it waits for may not be known yet: then it is looked at once more.
bool CustomResources::is_settled(Definition& definition) const {
  if (definition.metadata().has_deletion_timestamp()) return false;
  const std::string before = definition.status().SerializeAsString();
  judge_names(taken(definition), core_.now(), definition);
  return definition.status().SerializeAsString() == before;
}

Task<void> CustomResources::follow() {
  for (;;) {
    const auto watch = definitions_.cache->watch(definitions_.cache->revision());
    std::set<std::string> names;
    for (const EntryRef& entry : *definitions_.cache->snapshot().entries) {
      if (Known& known = known_[std::string(entry->name())]; std::exchange(known.settled, {}) != entry->revision) {
        names.emplace(entry->name());
      }
    }
    for (const auto& [name, known] : known_) {
      if (!definitions_.cache->find(name)) names.insert(name);
    }
    while (watch) {
      co_await look_at_all(std::exchange(names, {}));
      const bool waits = !again_.empty();
      names = std::exchange(again_, {});
      const auto changes = co_await watch->next(core_.executor.clock().steady() + (waits ? kRetry : Duration(24h)));
      if (!changes) break;
      for (const CacheEvent& change : *changes) names.emplace((change.after ? change.after : change.deleted)->name());
    }
    if (!core_.ready()) co_return;
    co_await yield();
  }
}

Task<void> CustomResources::look_at_all(std::set<std::string> names) {
  for (const std::string& name : names) {
    try {
      co_await look_at(name);
    } catch (const api::ApiError& error) {
      core_.log.warning("a custom resource definition waits", "definition", name, "error", error.what());
      again_.insert(name);
    }
  }
}

Task<void> CustomResources::look_at(const std::string& name) {
  const EntryRef entry = definitions_.cache->find(name);
  if (!entry) co_return forget(name);
  Definition definition = *std::move(decode_entry(*definitions_.resource, *entry)).take<Definition>();
  if (!definition.metadata().has_deletion_timestamp()) definition = co_await judge(std::move(definition));
  note(definition);
  if (is_true(definition, "Established")) co_await serve(definition);
  if (definition.metadata().has_deletion_timestamp() && has_finalizer(definition)) co_await clean_up(definition);
}

// The definition with what its status should say, which is written when it is news.
Task<CustomResources::Definition> CustomResources::judge(Definition definition) {
  const TakenNames others = taken(definition);
  Definition judged = definition;
  judge_names(others, core_.now(), judged);
  if (judged.status().SerializeAsString() == definition.status().SerializeAsString()) co_return definition;
  const Make make = [&](const api::Object& stored) {
    auto object = std::make_unique<Definition>(stored.as<Definition>());
    judge_names(others, core_.now(), *object);
    return api::Object(std::move(object));
  };
  const WriteResult result = co_await update_object(core_, definitions_, {{}, definition.metadata().name()}, UpdateKind::Status,
                                                    make, own_request("status"));
  co_return *std::move(decode_entry(*definitions_.resource, *result.entry)).take<Definition>();
}

Task<void> CustomResources::serve(const Definition& definition) {
  Known& known = known_[definition.metadata().name()];
  std::string fingerprint = fingerprint_of(definition);
  if (known.fingerprint == fingerprint) co_return;
  co_await core_.serve(served_by(definition, make_converter_));
  known_[definition.metadata().name()].fingerprint = std::move(fingerprint);
}

// Its objects go first, each by the rules of deletion: what finalizers hold is waited for.
Task<void> CustomResources::clean_up(const Definition& definition) {
  const std::string& name = definition.metadata().name();
  std::size_t left = 0;
  if (known_[name].fingerprint.empty()) co_await core_.serve(served_by(definition, make_converter_));
  const auto& names = definition.status().accepted_names();
  for (const auto& version : definition.spec().versions()) {
    const std::shared_ptr<Served> served = core_.find(definition.spec().group(), version.name(), names.plural());
    if (!served) continue;
    Served& storage = storage_of(*served);
    const Snapshot snapshot = storage.cache->snapshot();
    for (const EntryRef& entry : *snapshot.entries) {
      const ObjectKey key{std::string(entry->namespace_name()), std::string(entry->name())};
      const WriteResult result = co_await delete_object(core_, storage, key, {}, own_request({}));
      if (!result.removed) ++left;
    }
    break;
  }
  if (left > 0) {
    again_.insert(name);
    co_return;
  }
  const Make make = [&](const api::Object& stored) {
    auto object = std::make_unique<Definition>(stored.as<Definition>());
    auto& finalizers = *object->mutable_metadata()->mutable_finalizers();
    finalizers.erase(std::remove(finalizers.begin(), finalizers.end(), std::string(kCleanupFinalizer)), finalizers.end());
    set_condition(*object, "Terminating", false, "InstanceDeletionCompleted", "removed all instances", core_.now());
    return api::Object(std::move(object));
  };
  co_await update_object(core_, definitions_, {{}, name}, UpdateKind::Part, make, own_request({}));
}

void CustomResources::note(const Definition& definition) {
  const std::string& name = definition.metadata().name();
  Known& known = known_[name];
  release(name, known);
  known.group = definition.spec().group();
  known.plural = definition.spec().names().plural();
  known.accepted = definition.status().accepted_names();
  hold(name, known);
}

void CustomResources::hold(const std::string& definition, const Known& known) {
  TakenNames names;
  names.add(known.accepted);
  for (const std::string& name : names.resources) resources_[{known.group, name}].insert(definition);
  for (const std::string& name : names.kinds) kinds_[{known.group, name}].insert(definition);
}

void CustomResources::release(const std::string& definition, const Known& known) {
  const auto remove = [&](Holders& from, const std::string& name) {
    const auto found = from.find({known.group, name});
    if (found == from.end()) return;
    found->second.erase(definition);
    if (found->second.empty()) from.erase(found);
  };
  TakenNames names;
  names.add(known.accepted);
  for (const std::string& name : names.resources) remove(resources_, name);
  for (const std::string& name : names.kinds) remove(kinds_, name);
}

// Gone: its names are free for those that wait for them.
void CustomResources::forget(const std::string& name) {
  const auto found = known_.find(name);
  if (found == known_.end()) return;
  const Known known = std::move(found->second);
  known_.erase(found);
  release(name, known);
  core_.withdraw(known.group, known.plural);
  for (const auto& [other, of] : known_) {
    if (of.group == known.group) again_.insert(other);
  }
}

TakenNames CustomResources::taken(const Definition& definition) const {
  const auto others = [&](const Holders& holders, const std::string& name) {
    const auto found = holders.find({definition.spec().group(), name});
    return found != holders.end() && (found->second.size() > 1 || !found->second.contains(definition.metadata().name()));
  };
  TakenNames wanted, out;
  wanted.add(definition.spec().names());
  for (const std::string& name : wanted.resources) {
    if (others(resources_, name)) out.resources.insert(name);
  }
  for (const std::string& name : wanted.kinds) {
    if (others(kinds_, name)) out.kinds.insert(name);
  }
  return out;
}

}  // namespace ph::apiserver
