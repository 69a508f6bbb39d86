// What is left of a namespace's contents, and how its status tells: pure rules.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "core/v1.pb.h"

namespace ph::controllers::ns {

struct Remaining {
  std::map<std::string, int> objects;     // by "pods.", "deployments.apps": how many
  std::map<std::string, int> finalizers;  // how many objects a finalizer holds
  std::vector<std::string> failures;      // of deletes, in order
  bool none() const { return objects.empty(); }
};

// Sets the five deletion conditions; a condition that already says the same keeps its time. True when anything changed.
bool set_conditions(core::v1::NamespaceStatus* status, const Remaining& remaining, Time now);

}  // namespace ph::controllers::ns
