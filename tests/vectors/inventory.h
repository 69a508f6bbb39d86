// The inventory: what facts say is there, asked of a server in process (docs/inventory.md).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/vectors/match.h"

namespace ph::vectors {

// A resource of a served group version, as the facts have it.
struct ListedResource {
  std::string api_version;  // "apps/v1", "v1"
  std::string root;         // "/apis/apps/v1", "/api/v1"
  Json facts;

  std::string plural() const { return facts.at("plural"); }
  std::string kind() const { return facts.at("kind"); }
  bool namespaced() const { return facts.at("namespaced"); }
  bool can(std::string_view verb) const;
  // Where its objects are: those of the namespace `default`.
  std::string collection() const { return root + (namespaced() ? "/namespaces/default/" : "/") + plural(); }
  // "apps/v1 deployments", for messages.
  std::string text() const { return api_version + " " + plural(); }
};

// In order of the groups.
std::vector<ListedResource> listed_resources();

// A valid new object of it: what was recorded as taken with the least in it. Null: nobody makes any.
Json sample_of(const ListedResource& resource);

}  // namespace ph::vectors
