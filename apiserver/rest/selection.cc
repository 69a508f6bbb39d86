#include "apiserver/rest/selection.h"

#include <algorithm>

#include <fmt/format.h>

#include "api/errors.h"
#include "apiserver/rest/turn.h"

namespace ph::apiserver {
namespace {

[[noreturn]] void refuse_field(const api::Resource& resource, std::string_view field) {
  const bool metadata_only = std::ranges::all_of(
      resource.field_selectors, [](const auto& selector) { return selector.first.starts_with("metadata."); });
  if (metadata_only) {
    throw api::bad_request(fmt::format(
        "\"{}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"", field));
  }
  throw api::bad_request(fmt::format("field label not supported: {}", field));
}

// Replaces the names of a selector by the paths they mean.
void resolve(const api::Resource& resource, api::FieldSelector& fields) {
  for (auto& term : fields.terms()) {
    if (term.field == "metadata.name" || (term.field == "metadata.namespace" && resource.namespaced)) continue;
    const auto found = std::ranges::find(resource.field_selectors, term.field, [](const auto& entry) { return entry.first; });
    if (found == resource.field_selectors.end()) refuse_field(resource, term.field);
    term.field = found->second;
  }
}

}  // namespace

Selection::Selection(const Served& served, std::string namespace_name, api::LabelSelector labels, api::FieldSelector fields)
    : served_(served),
      namespace_name_(std::move(namespace_name)),
      labels_(std::move(labels)),
      fields_(std::move(fields)) {
  if (!namespace_name_.empty()) key_prefix_ = namespace_name_ + "/";
  resolve(*served.resource, fields_);
  std::ranges::sort(fields_.terms(), {}, &api::FieldSelector::Term::field);
}

std::pair<std::size_t, std::size_t> Selection::range(const EntryList& entries) const {
  if (key_prefix_.empty()) return {0, entries.size()};
  const auto first = entries.lower_bound(key_prefix_);
  const auto last = std::partition_point(first, entries.end(),
                                         [&](const EntryRef& entry) { return entry->key.starts_with(key_prefix_); });
  return {static_cast<std::size_t>(first - entries.begin()), static_cast<std::size_t>(last - entries.begin())};
}

bool Selection::matches(const EntryRef& entry) const {
  if (!entry || !entry->key.starts_with(key_prefix_)) return false;
  if (plain()) return true;
  const EntryRef object = shown(served_, entry);
  const api::Encoded encoded(*served_.resource->schema, *object->protobuf);
  if (!fields_match(*object, encoded)) return false;
  return labels_.empty() || labels_.matches(encoded.labels());
}

std::size_t Selection::cost() const {
  if (plain()) return 1;
  return 20 + fields_.terms().size() + (served_.to_shown ? kConversionCost : 0);
}

// Each field is looked up once, however many terms there are of it.
bool Selection::fields_match(const Entry& entry, const api::Encoded& encoded) const {
  std::string_view field;
  std::string found;
  std::string_view value;
  for (const api::FieldSelector::Term& term : fields_.terms()) {
    if (term.field != field) {
      field = term.field;
      if (field == "metadata.name") {
        value = entry.name();
      } else if (field == "metadata.namespace") {
        value = entry.namespace_name();
      } else {
        value = found = encoded.scalar_at(field);
      }
    }
    if ((value == term.value) != term.equals) return false;
  }
  return true;
}

}  // namespace ph::apiserver
