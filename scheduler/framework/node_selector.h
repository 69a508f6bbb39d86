// Matching nodes: node selectors, preferred terms, tolerations. Compiled once per pod, matched per node without
// allocation.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/kinds.h"

namespace ph::scheduler {

// One term: all its requirements must hold. An empty term, and one that cannot be understood, matches nothing.
class NodeTerm {
 public:
  explicit NodeTerm(const core::v1::NodeSelectorTerm& term);
  bool matches(const core::v1::Node& node) const;
  bool empty() const { return expressions_.empty() && fields_.empty() && !broken_; }
  // Why the term cannot be understood; empty: it can.
  const std::string& error() const { return error_; }
  // The node names that `metadata.name in [..]` leaves; nothing: any.
  std::optional<std::set<std::string, std::less<>>> names() const;

 private:
  enum class Op { In, NotIn, Exists, DoesNotExist, Gt, Lt };
  struct Requirement {
    std::string key;
    Op op;
    std::vector<std::string> values;
    std::int64_t bound = 0;  // of Gt and Lt
  };
  static bool holds(const Requirement& requirement, const std::string* value);
  void add(const core::v1::NodeSelectorRequirement& requirement, bool field);
  void fail(std::string error);

  std::vector<Requirement> expressions_, fields_;
  bool broken_ = false;
  std::string error_;
};

// A node selector: at least one term must match. One without terms matches nothing.
class NodeTerms {
 public:
  explicit NodeTerms(const core::v1::NodeSelector& selector);
  bool matches(const core::v1::Node& node) const;
  const std::vector<NodeTerm>& terms() const { return terms_; }
  // Of the first term that cannot be understood.
  std::string error() const;

 private:
  std::vector<NodeTerm> terms_;
};

// What a pod requires of its node: spec.nodeSelector, and affinity.nodeAffinity.required….
class RequiredNodes {
 public:
  explicit RequiredNodes(const core::v1::Pod& pod);
  bool matches(const core::v1::Node& node) const;
  const std::optional<NodeTerms>& affinity() const { return affinity_; }
  bool empty() const { return labels_.empty() && !affinity_; }

 private:
  std::vector<std::pair<std::string, std::string>> labels_;
  std::optional<NodeTerms> affinity_;
};

// Terms with weights; those with weight 0 or without requirements do not count.
class PreferredNodes {
 public:
  using Terms = google::protobuf::RepeatedPtrField<core::v1::PreferredSchedulingTerm>;
  PreferredNodes() = default;
  explicit PreferredNodes(const Terms& terms);
  // The sum of the weights of the terms that match.
  std::int64_t score(const core::v1::Node& node) const;
  std::string error() const;

 private:
  std::vector<std::pair<std::int64_t, NodeTerm>> terms_;
};

bool tolerates(const core::v1::Toleration& toleration, const core::v1::Taint& taint);
// Whether any of the pod's tolerations does.
bool tolerates(const core::v1::Pod& pod, const core::v1::Taint& taint);

}  // namespace ph::scheduler
