// Extender: a program elsewhere that takes part in placing pods, asked over HTTP.
//
//   upstream  pkg/scheduler/extender.go
#pragma once

#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/task.h"
#include "scheduler/cluster/node_info.h"
#include "scheduler/cluster/scheduler_pod.h"
#include "scheduler/extender/spec.h"
#include "scheduler/framework/plugin.h"

namespace ph::scheduler {

// Why an extender gave no answer that can be used, in upstream's words.
class ExtenderError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Extender {
 public:
  Extender(ExtenderSpec spec, std::unique_ptr<Transport> transport);

  // Its address.
  const std::string& name() const { return spec_.url_prefix; }
  bool ignorable() const { return spec_.ignorable; }
  bool filters() const { return !spec_.filter_verb.empty(); }
  bool prioritizes() const { return !spec_.prioritize_verb.empty(); }
  bool binds() const { return !spec_.bind_verb.empty(); }
  // Whether the pod asks for a resource that it manages; true for all pods when it manages none.
  bool interested(const core::v1::Pod& pod) const;

  // The questions. They throw ExtenderError; the wait for an answer ends after the extender's timeout. The extender must
  // outlive its tasks.

  struct Filtered {
    std::vector<NodeRef> nodes;                               // of those that were asked about, in the order of the answer
    std::map<std::string, std::string> failed, unresolvable;  // node → why
  };
  Task<Filtered> filter(PendingPod pod, std::vector<NodeRef> nodes);
  // By node, weighted and brought to the plugins' scale. What the extender says of other nodes is in it too.
  using Scores = std::map<std::string, Score, std::less<>>;
  Task<Scores> prioritize(PendingPod pod, std::vector<NodeRef> nodes);
  Task<void> bind(PendingPod pod, std::string node);

 private:
  Task<std::string> args(PendingPod pod, std::vector<NodeRef> nodes) const;
  // The body of the answer.
  Task<std::string> ask(std::string verb, std::string body);

  const ExtenderSpec spec_;
  const std::unique_ptr<Transport> transport_;
};

// Every request fails with a TransportError that says why.
std::unique_ptr<Transport> unreachable_transport(std::string why);

// a + b, and a × b, kept within the range of scores.
Score add_scores(Score a, Score b);
Score multiply_scores(Score a, Score b);

}  // namespace ph::scheduler
