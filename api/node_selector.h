// Matching nodes: node selectors, preferred terms, tolerations. Compiled once per pod, matched per node without
// allocation. For the scheduler, and for those who foresee where it may place a pod.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/kinds.h"

namespace ph::api {

// What cannot be understood, in upstream's words: `[0].matchExpressions[0].operator: Unsupported value: …`.
using TermErrors = std::vector<std::string>;
// As one text: `a`, or `[a, b]`.
std::string one_text(const TermErrors& errors);

// All that is asked of a node here, for those who do not hold its message.
struct NodeTraits {
  std::string_view name;
  std::function<std::optional<std::string_view>(std::string_view key)> label;
};

// One term: all its requirements must hold. An empty term, and one that cannot be understood, matches nothing; what becomes of
// the terms beside it is up to those who hold them.
class NodeTerm {
 public:
  explicit NodeTerm(const core::v1::NodeSelectorTerm& term);
  bool matches(const core::v1::Node& node) const;
  bool matches(const NodeTraits& node) const;
  bool empty() const { return expressions_.empty() && fields_.empty() && errors_.empty(); }
  // Empty: the term can be understood. Paths begin at the term.
  const TermErrors& errors() const { return errors_; }
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
  static bool holds(const Requirement& requirement, std::optional<std::string_view> value);
  template <class N>
  bool all_hold(const N& node) const;
  void add_expression(const core::v1::NodeSelectorRequirement& requirement, int index);
  void add_field(const core::v1::NodeSelectorRequirement& requirement, int index);

  std::vector<Requirement> expressions_, fields_;
  TermErrors errors_;
};

// A node selector: at least one term must match. One without terms matches nothing; a term that cannot be understood takes none
// of the others with it.
class NodeTerms {
 public:
  explicit NodeTerms(const core::v1::NodeSelector& selector);
  bool matches(const core::v1::Node& node) const;
  bool matches(const NodeTraits& node) const;
  const std::vector<NodeTerm>& terms() const { return terms_; }
  // Of all terms. `path`: of the selector.
  TermErrors errors(std::string_view path) const;

 private:
  std::vector<NodeTerm> terms_;
};

// What a pod requires of its node: spec.nodeSelector, and affinity.nodeAffinity.required….
class RequiredNodes {
 public:
  explicit RequiredNodes(const core::v1::PodSpec& pod);
  bool matches(const core::v1::Node& node) const;
  bool matches(const NodeTraits& node) const;
  // It does not match, but there is a term of which nobody knows what it means, and all else matches.
  bool unclear(const core::v1::Node& node) const;
  const std::optional<NodeTerms>& affinity() const { return affinity_; }
  bool empty() const { return labels_.empty() && !affinity_; }

 private:
  template <class N>
  bool has_labels(const N& node) const;

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
  // `path`: of the list.
  TermErrors errors(std::string_view path = {}) const;

 private:
  struct Weighted {
    int index;  // in the list
    std::int64_t weight;
    NodeTerm term;
  };
  std::vector<Weighted> terms_;
};

bool tolerates(const core::v1::Toleration& toleration, const core::v1::Taint& taint);
// Whether any of them does.
using Tolerations = google::protobuf::RepeatedPtrField<core::v1::Toleration>;
bool tolerates(const Tolerations& tolerations, const core::v1::Taint& taint);

}  // namespace ph::api
