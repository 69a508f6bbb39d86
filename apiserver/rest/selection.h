// Which objects of a resource a list or watch is about.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/encoded.h"
#include "api/selector.h"
#include "apiserver/rest/core.h"

namespace ph::apiserver {

class Selection {
 public:
  // `namespace_name` empty: all namespaces. Throws ApiError (400) for a field the resource cannot be selected by.
  Selection(const Served& served, std::string namespace_name, api::LabelSelector labels, api::FieldSelector fields);

  bool matches(const EntryRef& entry) const;
  // Of `matches`: the key alone.
  bool in_place(const EntryRef& entry) const;
  // Whether `matches` looks at an object as the resource shows it.
  bool needs_shown() const;
  // Where somebody outside converts: what `matches` looks at has been shown there.
  void look_in(std::shared_ptr<const Conversions> conversions) { conversions_ = std::move(conversions); }
  // Of a call of `matches`, as `Turn` counts.
  std::size_t cost() const;
  // No selectors: every object of the namespace.
  bool plain() const { return labels_.empty() && fields_.empty(); }
  // What an object must have to match, by equality: of several values the one that fewest objects have, to judge by some of the
  // `present` ones. Nothing when no value is asked for. Its `read` refers to the Served.
  std::optional<Interest> interest(const EntryList& present) const;
  // The part of the snapshot that can match, by key: [first, last).
  std::pair<std::size_t, std::size_t> range(const EntryList& entries) const;

 private:
  std::vector<api::FieldSelector::Term> demands() const;
  Interest of(const api::FieldSelector::Term& demand) const;
  bool fields_match(const Entry& entry, const api::Encoded& encoded) const;

  const Served& served_;
  std::shared_ptr<const Conversions> conversions_;  // or null
  std::string namespace_name_;
  std::string key_prefix_;  // "namespace/"
  api::LabelSelector labels_;
  api::FieldSelector fields_;
};

}  // namespace ph::apiserver
