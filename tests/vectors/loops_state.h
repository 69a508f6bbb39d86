// The objects and events of a simulated cluster, followed from its writes, in the form of the loops' recordings.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/cluster.h"
#include "tests/vectors/match.h"

namespace ph::vectors {

// Addresses of an EndpointSlice or Endpoints, and the subsets of the latter, in an order of their own: upstream's is random.
void sort_addresses(const std::string& kind, Json& object);

class LoopsState {
 public:
  // Follows from now on. Names of objects are told with the namespace, where it is not `home`.
  LoopsState(sim::Cluster& cluster, std::string home);

  // "Pod/web-x7k2p@other" → the object as recorded, but with its own names; UIDs are told by name.
  std::map<std::string, Json> objects() const;
  // Events written since the last call.
  std::vector<Json> take_events();
  // Names of objects whose names were generated, with their prefix.
  const std::map<std::string, std::string>& generated() const { return generated_; }
  // Of the object that has, or had last, that key; empty: none.
  std::string uid_of(const std::string& key) const;
  std::string with_uids_told(std::string text) const;
  // Writes so far, of whatever but leases.
  std::uint64_t writes() const { return writes_; }
  // Made here, not by the cluster's beginning.
  bool was_made(const std::string& key) const { return made_.contains(key); }

 private:
  void note(const sim::Cluster::Write& write);
  void note_event(const Json& event);
  Json as_recorded(const std::string& kind, Json object) const;

  const std::string home_;
  std::uint64_t writes_ = 0;
  std::map<std::string, std::string> keys_;  // of the store → ours
  std::map<std::string, Json> objects_;      // by our key, as the API has them
  std::map<std::string, std::string> uids_;  // → "Pod/web-x7k2p", "Pod/a#2"
  std::map<std::string, std::vector<std::string>> uids_by_key_;
  std::map<std::string, std::string> generated_;
  std::set<std::string> made_;
  std::map<std::string, Json> events_;  // since the last take, by name
};

}  // namespace ph::vectors
