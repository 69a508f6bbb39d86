// What one resource does differently from the generic verbs: one file a resource, one line in registry.def.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apiserver/access.h"
#include "apiserver/storage/store.h"
#include "base/rng.h"
#include "base/time.h"

namespace ph::apiserver {

// What a rule may look at and add to while one write is prepared.
struct WriteContext {
  const api::Resource& resource;
  ObjectReader& reader;
  Rng& rng;
  Time now;
  const Identity& user;
  bool dry_run = false;
  // Judged and written together with the object: allocations, quota.
  std::vector<Precondition>& preconditions;
  std::vector<Mutation>& mutations;
  std::vector<std::string>& warnings;
};

// What a delete does to an object that nothing else (finalizers) holds.
struct DeletePlan {
  // Not yet: the object stays, with deletionTimestamp and this grace period (pods on a node).
  std::optional<std::int64_t> grace_seconds;
};

class ResourceRules {
 public:
  virtual ~ResourceRules() = default;

  // After decoding and defaulting, before admission: drop what clients may not set (status, generation), set what the server
  // does (phase, QoS class). The generic part (uid, times, generation = 1 where the kind has one) has been done.
  virtual void prepare_create(WriteContext&, Message& /*object*/) {}
  // Full update: `old` is the stored object. Generic: metadata kept, status restored from `old`, generation raised when
  // spec changed.
  virtual void prepare_update(WriteContext&, Message& /*object*/, const Message& /*old*/) {}
  // …/status: generic: everything but status restored from `old`.
  virtual void prepare_status(WriteContext&, Message& /*object*/, const Message& /*old*/) {}
  // After validation, last before the commit; may add to the transaction (cluster IPs, node ports) and throw.
  virtual void before_commit(WriteContext&, Message* /*object*/, const Message* /*old*/) {}
  // After the object was deleted from the store or the commit failed: release what before_commit took in memory.
  virtual void after_delete(const Message& /*old*/) {}
  // Grace of a delete. `requested`: gracePeriodSeconds of the options, if given.
  virtual DeletePlan plan_delete(const Message& /*object*/, std::optional<std::int64_t> /*requested*/) { return {}; }
};

}  // namespace ph::apiserver
