// What is asked about a pod, and what is imagined of the cluster for the answer.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/kinds.h"
#include "api/object.h"

namespace ph::scheduler::why {

// Changes of the cluster that are only imagined.
struct Edits {
  struct Added {
    int count = 0;
    std::string like;  // a node there is
  };
  struct Label {
    std::string node, key;
    std::optional<std::string> value;  // nothing: it is taken away
  };
  struct Taint {
    std::string node;
    core::v1::Taint taint;
    bool away = false;  // those of this key are taken away; of this effect, if it says one
  };
  std::vector<Added> added;
  std::vector<core::v1::Node> nodes;  // new ones; one that there is becomes as this says, with the pods it has
  std::vector<std::string> drained, uncordoned;
  std::vector<Label> labels;
  std::vector<Taint> taints;

  bool empty() const {
    return added.empty() && nodes.empty() && drained.empty() && uncordoned.empty() && labels.empty() && taints.empty();
  }
};

struct Question {
  ObjectKey pod;  // of the cluster, unless one is given
  std::shared_ptr<core::v1::Pod> given;
  Edits edits;
  std::size_t runners_up = 3, nearest = 5;  // how many are told
};

// Nodes that may be added in one question.
inline constexpr int kAddedNodesMost = 1000;

// From the query of a URL:
//
//   pod=NAMESPACE/NAME                    one that there is; else the body holds one
//   addNodes=COUNT:NODE                   so many like that node
//   drain=NODE  uncordon=NODE
//   label=NODE:KEY=VALUE  label=NODE:KEY-
//   taint=NODE:KEY=VALUE:EFFECT  taint=NODE:KEY-  taint=NODE:KEY:EFFECT-
//   runnersUp=COUNT  nearest=COUNT
//
// each but the first and the last line as often as one likes. The body, JSON or YAML: a Pod, a Node, or a List of them. Throws
// api::ApiError (400).
Question question_of(std::string_view query, std::string_view body);

// What is given becomes as the apiserver would have it: with defaults, and valid. What admission would add it is to have already.
// Throws api::ApiError (422; 400 for what only admission can know).
void complete(Question& question);

}  // namespace ph::scheduler::why
