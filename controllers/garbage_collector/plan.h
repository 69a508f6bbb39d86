// What the garbage collector does about one object: pure rules over what is known of its owners and dependents.
// Reference: "Garbage Collection" and "Use Cascading Deletion" in the Kubernetes documentation.
#pragma once

#include <string>
#include <vector>

#include "informers/metadata_view.h"

namespace ph::controllers::garbage_collector {

// How an owner reference stands.
enum class Owner {
  Solid,    // exists, and stays
  Waiting,  // is being deleted in the foreground: it waits for its dependents
  Absent,   // does not exist, or another object has its name
  Unknown,  // of a kind nobody here knows: never a reason to delete
};

// One object that names ours as owner.
struct Dependent {
  bool blocks = false;      // blockOwnerDeletion: a foreground deletion waits for it
  bool is_waiting = false;  // it waits for dependents of its own
};

struct Action {
  enum Kind {
    Nothing,
    Delete,             // with `policy`
    DropOwners,         // remove the references `uids`
    UnblockThenDelete,  // a circle of objects waiting for each other: give up blocking, then Delete
    OrphanDependents,   // remove our reference from all dependents, then the finalizer "orphan"
    RemoveForeground,   // remove the finalizer "foregroundDeletion": nobody blocks any more
  } kind = Nothing;
  std::string policy;  // "Background", "Foreground", "Orphan"
  std::vector<std::string> uids;
};

// `owners` stands in the order of `object.owners`.
Action plan(const informers::MetadataView& object, const std::vector<Owner>& owners, const std::vector<Dependent>& dependents);

}  // namespace ph::controllers::garbage_collector
