// Explanation: why a pod is where it is, or nowhere; or what would become of it. A plain value: made by explain.h, written and read as
// JSON by json.h, printed by text.h.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "scheduler/framework/plugin.h"  // Need

namespace ph::scheduler::why {

struct PodFacts {
  std::string namespace_name, name, uid, scheduler_name;
  std::int32_t priority = 0;
  std::string node;            // where it is, or is about to be
  std::string nominated_node;  // where room was made for it
  bool deleting = false;
  bool imagined = false;  // it was given with the question
};

// What one plugin says of a node.
struct PluginVerdict {
  std::string plugin;
  std::vector<std::string> reasons;
  std::string code;  // as to_string(Code)
};

// Nodes of which the same is said.
struct Refused {
  // The first is the one that counts: the cycle asks no further.
  std::vector<PluginVerdict> verdicts;
  std::uint64_t count = 0;
  std::vector<std::string> nodes;  // in the order in which they are tried
};

struct NearMiss {
  std::string node;
  struct Lacking {
    std::string plugin;
    std::vector<Need> needs;
  };
  std::vector<Lacking> lacking;
};

struct ScoredNode {
  std::string node;
  std::int64_t total = 0;
  // Beside Scores::plugins.
  struct Part {
    std::int64_t raw = 0, score = 0, weighted = 0;  // as the plugin gave it; from 0 to 100; times its weight
  };
  std::vector<Part> parts;
};

struct Scores {
  struct Plugin {
    std::string name;
    std::int64_t weight = 0;
  };
  std::vector<Plugin> plugins;
  std::vector<ScoredNode> nodes;  // the best first; only the best few, and the one where the pod is
};

struct Victim {
  std::string pod;  // namespace/name
  std::int32_t priority = 0;
};

struct Robbed {
  std::string node;
  std::vector<Victim> victims;   // the most important first
  std::uint64_t violations = 0;  // of disruption budgets
};

struct Preemption {
  std::string why_not;                           // it is not even looked for victims, or there are none; empty: it would work
  std::uint64_t promising = 0;                   // nodes where other pods' going could help
  std::uint64_t tried = 0;                       // of these; the nearest misses first
  std::vector<Robbed> nodes;                     // where it would work; the one that costs least first
  std::map<std::string, std::uint64_t> reasons;  // why it would not, where it was tried → nodes
};

// Where a pod stands that waits.
struct Waiting {
  std::string place;  // active, backoff, unschedulable, gated, in flight
  std::uint64_t attempts = 0;
  std::string retry_in;               // a duration; of a pod that backs off
  std::vector<std::string> woken_by;  // plugins whose events bring it back
};

struct LastAttempt {
  std::string at, message;
};

// One word each, as JSON has them.
//   unschedulable  no node fits            fits      it would be placed now, or as soon as its turn comes
//   gated          it may not be tried     placed    it has a node
//   permit         placed, held back       binding   placed, and being bound
//   foreign        another scheduler's     finished  it has ended
//   error          an attempt would fail
struct Explanation {
  PodFacts pod;
  std::string state;
  std::string message;               // the sentence that matters
  std::vector<std::string> changes;  // of the cluster, that are only imagined
  std::vector<std::string> notes;    // what this explanation leaves out, and further circumstances
  std::uint64_t nodes = 0, fitting = 0;
  std::string chosen;                     // the node that would be taken
  std::string chosen_for;                 // why that one
  std::vector<PluginVerdict> pre_filter;  // what refuses all nodes at once
  std::vector<Refused> refused;           // the most nodes first; those that pre-filter leaves out come last
  std::vector<std::string> fits;          // nodes
  std::vector<NearMiss> nearest;          // the nearest first
  std::vector<Scores> scores;             // none, or one
  std::vector<Preemption> preemption;     // none, or one
  std::vector<Waiting> waiting;           // none, or one
  std::vector<LastAttempt> last_attempt;  // none, or one
};

}  // namespace ph::scheduler::why
