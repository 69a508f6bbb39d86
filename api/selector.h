// Label and field selectors: parsing, and matching against whatever can look a key up.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/codec.h"
#include "api/sorted.h"
#include "meta/v1.pb.h"

namespace ph::api {

enum class Operator { Equals, NotEquals, In, NotIn, Exists, NotExists, GreaterThan, LessThan };

struct Requirement {
  std::string key;
  Operator op = Operator::Exists;
  std::vector<std::string> values;
};

// Looks up a key's value; nothing when absent.
using Lookup = std::function<std::optional<std::string_view>(std::string_view key)>;

// A conjunction. Empty matches everything.
class LabelSelector {
 public:
  // As in `?labelSelector=`; throws DecodeError with upstream's words.
  static LabelSelector parse(std::string_view text);
  // From an object; an empty selector matches everything. Throws DecodeError for a bad operator or value.
  static LabelSelector from(const meta::v1::LabelSelector& selector);
  template <class Map>
  static LabelSelector from_map(const Map& match_labels) {
    LabelSelector out;
    for (const auto& [key, value] : in_any_order(match_labels)) out.requirements_.push_back({key, Operator::Equals, {value}});
    out.sort();
    return out;
  }
  static LabelSelector nothing();

  bool empty() const { return requirements_.empty() && !nothing_; }
  bool matches(const Lookup& lookup) const;
  // Of an object's labels, each key once: it costs what the object has, however many requirements there are.
  bool matches(std::span<const std::pair<std::string_view, std::string_view>> labels) const;
  // Of anything with find/end: a protobuf map, a std::map.
  template <class Map>
  bool matches_map(const Map& labels) const {
    return matches([&](std::string_view key) -> std::optional<std::string_view> {
      const auto found = labels.find(std::string(key));
      if (found == labels.end()) return std::nullopt;
      return std::string_view(found->second);
    });
  }
  std::string text() const;
  const std::vector<Requirement>& requirements() const { return requirements_; }

 private:
  void sort();
  std::vector<Requirement> requirements_;  // by key
  std::size_t present_ = 0;                // how many of them do not hold of what is absent
  bool nothing_ = false;
};

// `a=b,c!=d`. Only =, == and != exist.
class FieldSelector {
 public:
  static FieldSelector parse(std::string_view text);
  bool empty() const { return terms_.empty(); }
  struct Term {
    std::string field;
    bool equals = true;
    std::string value;
  };
  const std::vector<Term>& terms() const { return terms_; }
  std::vector<Term>& terms() { return terms_; }
  // The value a term demands of `field` by equality, if one does.
  std::optional<std::string_view> demanded(std::string_view field) const;

 private:
  std::vector<Term> terms_;
};

}  // namespace ph::api
