// How objects are changed: created, updated and removed, each in one transaction judged on what it was prepared from.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apiserver/access.h"
#include "apiserver/fence.h"

namespace ph::apiserver {

// What a request makes of an object that is stored, before anybody judges it: a function of the two. It may be made ahead, and
// holds as long as the object's entry is the one it was made of.
struct Draft {
  EntryRef entry;
  api::Object old, object;
  bool recorded = false;  // its manager
};

// On whose behalf a write is made, and how.
struct WriteRequest {
  Identity user;
  std::string manager;              // of managed fields; empty: none are recorded
  std::shared_ptr<Served> through;  // the version that the request spoke; null: the one that is stored
  std::string subresource;          // "", "status", "scale", …
  bool dry_run = false;
  bool admit = true;                             // false for the server's own writes
  std::vector<std::string>* warnings = nullptr;  // outlives the write
  std::optional<api::Fence> fence;               // judged in the transaction of the write
  std::size_t size = 0;                          // of what was sent
  bool prepared = false;                         // of a create: `prepare_new` has been done, and the manager recorded
  std::shared_ptr<Draft> draft;                  // of an update: made ahead; or null
  RequestOptions options;                        // as they were put
  audit::Trail* trail = nullptr;                 // outlives the write; null: it is not audited
  Steady deadline = Steady::max();               // the client has given up by then
  AdmissionTrace* trace = nullptr;               // outlives the write; null: none is wanted
  std::shared_ptr<Conversions> conversions;      // of the call; null: nobody outside converts
  bool make_is_pure = false;  // of an update: `make` looks at nothing that changes, and may run on another thread
};

struct WriteResult {
  EntryRef entry;  // the object after the write; when it was removed, its last state
  bool removed = false;
  Draft spent;  // what it was made with
};

// What becomes of an object that is to be created whoever else there is: the system's fields, the status. Throws ApiError. Threads: any,
// as far as the Rng's.
void prepare_new(const Served& served, api::Object& object, Time now, Rng& rng);

// Like the others below: 409 Conflict when the fence does not hold. Throws ApiError: 409 AlreadyExists, 422 Invalid, what admission and the rules say.
Task<WriteResult> create_object(Core& core, Served& served, api::Object object, WriteRequest request);

// What an update may change.
enum class UpdateKind {
  Main,    // all but status
  Status,  // metadata and status
  Part,    // what `make` changed; nothing else is looked at (binding, finalize)
};
// Makes the wanted object from the stored one; may be called again when a race was lost. An object that carries another
// resourceVersion than the stored one is refused with 409, one with another UID with 422. May throw ApiError.
using Make = std::function<api::Object(const api::Object& stored)>;

// The draft of an update that speaks the version that is stored, made ahead. Throws ApiError. Threads: any, if `make` runs there.
Draft draft_update(const Served& served, UpdateKind kind, EntryRef entry, const Make& make, const std::string& manager,
                   const std::string& subresource, Time now);

// Throws ApiError: 404, 409 Conflict, 422, …
Task<WriteResult> update_object(Core& core, Served& served, ObjectKey key, UpdateKind kind, Make make, WriteRequest request);

Task<WriteResult> delete_object(Core& core, Served& served, ObjectKey key, meta::v1::DeleteOptions options, WriteRequest request);

// The resource that stores what `served` shows.
inline Served& storage_of(Served& served) { return served.stored_as ? *served.stored_as : served; }

}  // namespace ph::apiserver
