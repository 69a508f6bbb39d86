// Labels and label selectors as the scheduler compares them: keys and values are interned, so that a match compares pointers.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "api/sorted.h"
#include "informers/pod_view.h"
#include "meta/v1.pb.h"

namespace ph::scheduler {

using informers::Interned;

using Label = std::pair<Interned, Interned>;
using Labels = std::vector<Label>;  // each key once, sorted by key
using LabelSpan = std::span<const Label>;

template <class Map>
Labels interned_labels(const Map& map) {
  Labels out;
  out.reserve(map.size());
  for (const auto* label : sorted(map)) out.emplace_back(Interned(label->first), Interned(label->second));
  return out;
}

// Null: there is no such label.
const Interned* find_label(LabelSpan labels, const Interned& key);

// A label selector, compiled. A value; made once a pod, asked once a pod or node that it is compared with.
class LabelMatcher {
 public:
  // Matches everything.
  LabelMatcher() = default;
  static LabelMatcher nothing();
  // Throws api::DecodeError for an operator or a value that cannot be.
  static LabelMatcher of(const meta::v1::LabelSelector& selector);
  // All of these labels.
  static LabelMatcher of_labels(const google::protobuf::Map<std::string, std::string>& labels);

  // From now on this, too.
  LabelMatcher& require(Interned key, Interned value);
  // Both must match. What matches nothing takes the other's requirements, as upstream merges selectors.
  LabelMatcher& merge(const LabelMatcher& other);

  bool is_everything() const { return !nothing_ && requirements_.empty(); }
  bool is_nothing() const { return nothing_; }
  bool matches(LabelSpan labels) const;
  // Adds a text that is the same for the same requirements in the same order, and for no others.
  void describe(std::string& out) const;

 private:
  enum class Op : std::uint8_t { In, NotIn, Exists, DoesNotExist };
  struct Requirement {
    Interned key;
    Op op;
    std::vector<Interned> values;
  };
  static bool holds(const Requirement& requirement, const Interned* value);

  std::vector<Requirement> requirements_;
  bool nothing_ = false;
};

}  // namespace ph::scheduler
