// What is left of a namespace's contents, and how its status tells: pure rules.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "core/v1.pb.h"
#include "informers/discovery.h"

namespace ph::controllers::namespaces {

struct Remaining {
  std::string undiscovered;               // why nobody knows of all resources; empty: they are known
  std::map<std::string, int> objects;     // by "pods.", "deployments.apps": how many
  std::map<std::string, int> finalizers;  // how many objects a finalizer holds
  std::vector<std::string> failures;      // of deletes, in order
  bool none() const { return objects.empty(); }
  // Nothing is left, for certain.
  bool done() const { return none() && failures.empty() && undiscovered.empty(); }
};

// What `undiscovered` is to say.
std::string undiscovered(const informers::Discovery& discovery);

// Sets the five deletion conditions; a condition that already says the same keeps its time. True when anything changed.
bool set_conditions(core::v1::NamespaceStatus* status, const Remaining& remaining, Time now);

}  // namespace ph::controllers::namespaces
