// Which objects the pods of a node make it need: node → pods → their names, and claim → volume → secrets. Kept up to date by differences.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/authz/node_references.h"
#include "apiserver/cache/entries.h"

namespace ph::apiserver {

// A value: a copy costs little and shares all that neither of the two changes, so that one can be kept up to date while any thread reads
// others. A decision costs by the pods of the node, whatever the cluster has; a change costs what the object refers to and a pointer
// for each of the node's pods; and all changes since the last decision, a comparison of each entry's address (entry_changes.h).
class NodeGraph {
 public:
  using Entries = std::shared_ptr<const EntryList>;
  struct State {
    Entries pods, volumes;
  };

  // Makes it show `state`. Only what changed is decoded.
  void refresh(const State& state);

  // Whether a pod of the node needs the object; a secret also by the volume of a claim that it has.
  bool needs(std::string_view node, Needed what, std::string_view namespace_name, std::string_view name) const;

 private:
  // `key`: of the pod or the volume; `names`: what it needs, ordered.
  struct Use {
    std::string key;
    std::vector<std::string> names;
    bool has(std::string_view name) const;
  };
  using Uses = std::vector<std::shared_ptr<const Use>>;  // by key
  // Uses by a node's name, or by a claim's key.
  class Lists {
   public:
    const Uses* find(std::string_view name) const;
    class Edit;

   private:
    using Shard = std::map<std::string, std::shared_ptr<const Uses>, std::less<>>;
    static constexpr std::size_t kShards = 256;  // a change copies the names of one
    static std::size_t shard_of(std::string_view name);
    std::array<std::shared_ptr<const Shard>, kShards> shards_;
  };

  void follow_pods(const Entries& now);
  void follow_volumes(const Entries& now);

  State state_;
  Lists pods_;     // by node
  Lists volumes_;  // by claim; those that need secrets
};

}  // namespace ph::apiserver
