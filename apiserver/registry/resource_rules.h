// What one resource does differently from the generic verbs: one file a resource, one line in registry.def.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/rules.h"
#include "apiserver/access.h"
#include "apiserver/storage/store.h"
#include "base/rng.h"
#include "base/time.h"

namespace ph::apiserver {

// What a rule, or an admission plugin, may look at and add to while one write is prepared. A write that loses a race is prepared
// again, with a new context.
struct WriteContext {
  const api::Resource& resource;
  std::string_view subresource;
  ObjectReader& reader;
  Rng& rng;
  Time now;
  const Identity& user;
  bool dry_run = false;
  // Judged and written together with the object: allocations, quota.
  std::vector<Precondition>& preconditions;
  std::vector<Mutation>& mutations;
  std::vector<std::string>& warnings;
  // Keys of preconditions that were refused in earlier rounds of this write.
  const std::set<std::string>& refused;
  // One of the two lists is called once the outcome of the commit is known (a dry run fails): what was taken or released in
  // memory becomes final, or is undone.
  std::vector<std::function<void()>>& on_success;
  std::vector<std::function<void()>>& on_failure;

  // Writes another object with this one, if nobody else does before: `before` is what the cache shows at its key, null when it is
  // to be new. Both have one revision then: better not two of one resource, for a watch may end between them. Whoever writes a key
  // that the write has already fails it (500).
  void also_write(const api::Resource& other, const ObjectKey& key, const Entry* before, api::Object object);
};

// What a delete does to an object that nothing else (finalizers) holds.
struct DeletePlan {
  // Not yet: the object stays, with deletionTimestamp and this grace period (pods on a node).
  std::optional<std::int64_t> grace_seconds;
};

class ResourceRules {
 public:
  virtual ~ResourceRules() = default;

  // Once, when the caches are filled and nothing is served yet.
  virtual void start(ObjectReader&) {}

  // After mutating admission, before validation: drop what clients may not set, set what the server does (phase, QoS
  // class). The generic part (name, uid, times, status cleared, generation = 1 where the kind has one) has been done. Once more
  // for the same object when the name that was generated for it was taken: it comes to the same then.
  virtual void prepare_create(WriteContext&, api::Object& /*object*/) {}
  // Full update: `old` is the stored object. Generic: metadata kept, status restored from `old`; the generation is raised
  // afterwards when anything but metadata and status differs.
  virtual void prepare_update(WriteContext&, api::Object& /*object*/, const api::Object& /*old*/) {}
  // …/status: generic: everything but metadata and status restored from `old`.
  virtual void prepare_status(WriteContext&, api::Object& /*object*/, const api::Object& /*old*/) {}
  // True when an update that left the spec alone raises the generation all the same.
  virtual bool raises_generation(const api::Object& /*object*/, const api::Object& /*old*/) { return false; }
  // Beside the rules of the kind and in the same answer: what only the resource knows.
  virtual void validate(const api::Object& /*object*/, api::Errors&) {}
  // After validation, last before the commit; may add to the transaction (cluster IPs, node ports), change the object, and
  // throw. `object` is null when the object is being removed, `old` when it is being created. Who has to wait for what he adds
  // overrides this one, who has not the one below; all he is given outlives the wait.
  virtual Soon<> before_commit_soon(WriteContext& context, api::Object* object, const api::Object* old) {
    before_commit(context, object, old);
    return {};
  }
  // True while something beside metadata.finalizers keeps an object that is being deleted (a namespace's spec.finalizers).
  virtual bool holds(const api::Object& /*object*/) { return false; }
  // A delete has begun, and the object stays for now: deletionTimestamp is set.
  virtual void mark_deleting(api::Object& /*object*/) {}
  // Whether the store may forget all but the last value of this key.
  virtual bool last_value_only(const ObjectKey&) { return false; }
  // Grace of a delete. `requested`: gracePeriodSeconds of the options, if given.
  virtual DeletePlan plan_delete(const api::Object& /*object*/, std::optional<std::int64_t> /*requested*/) { return {}; }

 protected:
  virtual void before_commit(WriteContext&, api::Object* /*object*/, const api::Object* /*old*/) {}
};

struct ServerOptions;

// What differs between resources without needing code.
enum Trait : unsigned {
  kPlain = 0,
  kGeneration = 1 << 0,        // metadata.generation counts changes of the spec
  kKeepsStatus = 1 << 1,       // a create may bring a status (nodes)
  kCreateOnUpdate = 1 << 2,    // PUT of what does not exist creates it
  kNeedsRevision = 1 << 3,     // PUT must name a resourceVersion
  kReturnsDeleted = 1 << 4,    // DELETE answers with the object, not with a Status
  kOrphansByDefault = 1 << 5,  // DELETE without a policy leaves the dependents
  kNoDependents = 1 << 6,      // propagation policies mean nothing here
  kLastValueOnly = 1 << 7,     // the store need not keep the history
  kSmallWindow = 1 << 8,       // changes all the time: watches that come back late start over
};

struct RegistryEntry {
  std::string_view group, plural;
  unsigned traits = kPlain;
  std::unique_ptr<ResourceRules> (*make)(const ServerOptions&) = nullptr;
};

// The line of registry.def; the plain entry for resources without one.
const RegistryEntry& registry_entry(const api::Resource& resource);

}  // namespace ph::apiserver
