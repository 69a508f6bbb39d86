// How many pods a pod's controller wants: of the built-in kinds by informers, of all others by their scale sub-resource.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "controllers/runtime/loop.h"

namespace ph::controllers::disruption {

// One who wants pods, and how many.
struct Scale {
  std::string uid;  // of who decides: a replica set's deployment, where it has one; empty: nobody was found
  int replicas = 0;
  std::string failure;  // why it cannot be told, in upstream's words; empty: it can
};

// Belongs to its loop. The world outlives it.
class Scalables {
 public:
  explicit Scalables(const World& world);

  // What the controller of a pod in `namespace_name` wants. Throws when the server cannot be reached.
  Task<Scale> find(informers::OwnerView controller, std::string namespace_name);

 private:
  // Where a custom kind is found, when it has a scale.
  struct Path {
    std::string root, plural;
    bool namespaced = true;
  };
  struct Look {
    Path path;
    std::string failure;
  };

  Scale find_here(const informers::OwnerView& controller, const std::string& namespace_name) const;
  Task<Scale> find_by_path(informers::OwnerView controller, std::string namespace_name);
  Task<Look> look_for(std::string api_version, std::string kind);

  const World& world_;
  std::map<std::pair<std::string, std::string>, Path> known_;  // by apiVersion and kind
};

// The objects whose change changes what their pods' controllers want bring the keys of the budgets that ask for it.
void watch_scalables(LoopBuilder& loop);

}  // namespace ph::controllers::disruption
