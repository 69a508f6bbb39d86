// Hypothesis: a snapshot as if something were otherwise, for as long as it lives: pods gone, nodes added, drained, changed. The plugins,
// which look at the snapshot, see what is imagined; the cache knows nothing of it. Only what changes is copied.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "scheduler/cluster/snapshot.h"
#include "scheduler/why/question.h"

namespace ph::scheduler::why {

class Hypothesis {
 public:
  // Nobody may bring the snapshot up to date while this lives, nor keep a node of it for longer.
  explicit Hypothesis(Snapshot& snapshot);
  ~Hypothesis();
  Hypothesis(const Hypothesis&) = delete;
  Hypothesis& operator=(const Hypothesis&) = delete;

  // The pod is not on its node. Nothing when it is not there.
  void without_pod(std::string_view node, std::string_view uid);
  // What was done, a sentence each. Throws api::ApiError (400) for a node there is not.
  std::vector<std::string> apply(const Edits& edits);

 private:
  NodeInfo& edit(const std::string& name);
  NodeInfo& existing(const std::string& name, std::string_view what);
  NodeInfo& add(const std::string& name);
  void add_like(const Edits::Added& added);
  void change(NodeInfo& info, core::v1::Node node);
  void drain(const std::string& name);
  void count(const NodeInfo& node, int by) { snapshot_.count_claims(node, by); }
  void note(const NodeInfo& node);

  Snapshot& snapshot_;
  // What the snapshot had. Null: it had no such node.
  std::map<std::string, std::unique_ptr<NodeInfo>, std::less<>> replaced_;
  std::vector<const NodeInfo*> order_, slots_;
};

}  // namespace ph::scheduler::why
