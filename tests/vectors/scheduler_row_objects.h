// The objects of a scheduler's row that are neither nodes nor pods, as its plugins read them.
#pragma once

#include <map>
#include <string>

#include "tests/scheduler/stored_objects.h"
#include "tests/vectors/match.h"

namespace ph::vectors {

// As recorded: servers would refuse some states (what is on its way out), and choose UIDs of their own, by which objects name each
// other here. `uids`: what stands for the recorded UIDs of pods.
void add_row_objects(const Json& objects, const std::map<std::string, std::string>& uids, scheduler::test::StoredObjects& out);

}  // namespace ph::vectors
