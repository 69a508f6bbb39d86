#include "apiserver/rest/selection.h"

#include <algorithm>
#include <span>

#include <fmt/format.h>

#include "api/errors.h"
#include "apiserver/rest/conversions.h"
#include "apiserver/rest/turn.h"

namespace ph::apiserver {
namespace {

// How many objects are looked at to see which of several values is the rarest.
constexpr std::size_t kSample = 16;

// Built-in resources without selectors of their own are all of one kind: these two, and other words for what there is not.
bool has_common_selectors(const api::Resource& resource) {
  return !resource.owner && std::ranges::all_of(resource.field_selectors,
                                                [](const auto& selector) { return selector.first.starts_with("metadata."); });
}

[[noreturn]] void refuse_field(const api::Resource& resource, std::string_view field) {
  if (has_common_selectors(resource)) {
    throw api::bad_request(
        fmt::format("\"{}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"", field));
  }
  // Two kinds say it in words of their own.
  if (resource.kind.kind == "Job" && resource.kind.group == "batch")
    throw api::bad_request(fmt::format("field label \"{}\" not supported for Job", field));
  if (resource.kind.kind == "ResourceSlice" && resource.kind.group == "resource.k8s.io") {
    throw api::bad_request(
        fmt::format("field label not supported for {}, Kind=ResourceSlice: {}", resource.kind.api_version(), field));
  }
  throw api::bad_request(fmt::format("field label not supported: {}", field));
}

// Replaces the names of a selector by the paths they mean.
void resolve(const api::Resource& resource, api::FieldSelector& fields) {
  // That of what is in no namespace is empty.
  const bool has_namespace = resource.namespaced || has_common_selectors(resource);
  for (auto& term : fields.terms()) {
    if (term.field == "metadata.name" || (term.field == "metadata.namespace" && has_namespace)) continue;
    const auto found = std::ranges::find(resource.field_selectors, term.field, [](const auto& entry) { return entry.first; });
    if (found == resource.field_selectors.end()) refuse_field(resource, term.field);
    term.field = found->second;
  }
}

// A field's value; within the entry or the bytes, or made in `scratch`.
std::string_view value_of(std::string_view field, const Entry& entry, const api::Encoded& encoded, std::string& scratch) {
  if (field == "metadata.name") return entry.name();
  if (field == "metadata.namespace") return entry.namespace_name();
  return scratch = encoded.scalar_at(field);
}

// As the resource shows the object; nothing when it cannot be read: `matches` will say what is wrong, to whom it concerns.
std::optional<std::vector<std::string>> values_of(const Served& served, const EntryRef& entry,
                                                  std::span<const std::string> fields) {
  try {
    const EntryRef object = shown(served, entry);
    const api::Encoded encoded(*served.resource->schema, *object->protobuf);
    std::vector<std::string> out;
    std::string scratch;
    for (const std::string& field : fields) out.emplace_back(value_of(field, *object, encoded, scratch));
    return out;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

}  // namespace

Selection::Selection(const Served& served, std::string namespace_name, api::LabelSelector labels, api::FieldSelector fields)
    : served_(served), namespace_name_(std::move(namespace_name)), labels_(std::move(labels)), fields_(std::move(fields)) {
  if (!namespace_name_.empty()) key_prefix_ = namespace_name_ + "/";
  resolve(*served.resource, fields_);
  std::ranges::sort(fields_.terms(), {}, &api::FieldSelector::Term::field);
}

std::pair<std::size_t, std::size_t> Selection::range(const EntryList& entries) const {
  if (key_prefix_.empty()) return {0, entries.size()};
  const auto first = entries.lower_bound(key_prefix_);
  const auto last =
      std::partition_point(first, entries.end(), [&](const EntryRef& entry) { return entry->key.starts_with(key_prefix_); });
  return {static_cast<std::size_t>(first - entries.begin()), static_cast<std::size_t>(last - entries.begin())};
}

bool Selection::in_place(const EntryRef& entry) const { return entry && entry->key.starts_with(key_prefix_); }

bool Selection::needs_shown() const {
  return !labels_.empty() || std::ranges::any_of(fields_.terms(), [](const auto& term) {
    return term.field != "metadata.name" && term.field != "metadata.namespace";
  });
}

bool Selection::matches(const EntryRef& entry) const {
  if (!in_place(entry)) return false;
  if (plain()) return true;
  const bool outside = conversions_ != nullptr;
  const EntryRef object = outside ? (needs_shown() ? conversions_->shown(entry) : entry) : shown(served_, entry);
  const api::Encoded encoded(*served_.resource->schema, *object->protobuf);
  if (!fields_match(*object, encoded)) return false;
  return labels_.empty() || labels_.matches(encoded.labels());
}

std::size_t Selection::cost() const {
  if (plain()) return 1;
  return 20 + fields_.terms().size() + (served_.to_shown ? kConversionCost : 0);
}

// The values of different fields that an object must have; the more telling ones first, where nothing else speaks for any.
std::vector<api::FieldSelector::Term> Selection::demands() const {
  std::vector<api::FieldSelector::Term> out;
  std::string within = namespace_name_;
  for (const api::FieldSelector::Term& term : fields_.terms()) {
    if (!term.equals) continue;
    if (term.field == "metadata.namespace") {
      if (within.empty()) within = term.value;
    } else if (out.empty() || out.back().field != term.field) {
      out.push_back(term);
    }
  }
  if (!within.empty()) out.push_back({"metadata.namespace", true, std::move(within)});
  return out;
}

Interest Selection::of(const api::FieldSelector::Term& demand) const {
  if (demand.field == "metadata.namespace") {
    return {demand.field, [](const EntryRef& entry) { return std::optional<std::string>(entry->namespace_name()); },
            demand.value};
  }
  // A resource that shows another one's objects, or that came in the place of one that was withdrawn, reads them in its own way.
  return {fmt::format("{}/{}", served_.serial, demand.field),
          [&served = served_, field = demand.field](const EntryRef& entry) -> std::optional<std::string> {
            auto values = values_of(served, entry, {&field, 1});
            return values ? std::optional(std::move(values->front())) : std::nullopt;
          },
          demand.value};
}

std::optional<Interest> Selection::interest(const EntryList& present) const {
  if (const auto name = fields_.demanded("metadata.name")) {
    if (key_prefix_.empty()) {
      return Interest{"metadata.name", [](const EntryRef& entry) { return std::optional<std::string>(entry->name()); },
                      std::string(*name)};
    }
    return Interest{"key", [](const EntryRef& entry) { return std::optional(entry->key); }, key_prefix_ + std::string(*name)};
  }
  std::vector<api::FieldSelector::Term> demands = this->demands();
  // What others convert they are not asked about for each watch.
  if (served_.converter && served_.to_shown) {
    std::erase_if(demands, [](const auto& demand) { return demand.field != "metadata.namespace"; });
  }
  if (demands.empty()) return std::nullopt;
  if (demands.size() == 1) return of(demands.front());

  std::vector<std::string> fields;
  for (const auto& demand : demands) fields.push_back(demand.field);
  std::vector<std::size_t> found(demands.size());
  const std::size_t count = std::min(kSample, present.size());
  for (std::size_t i = 0; i < count; ++i) {
    const auto values = values_of(served_, present[i * present.size() / count], fields);
    for (std::size_t k = 0; values && k < demands.size(); ++k) found[k] += (*values)[k] == demands[k].value;
  }
  return of(demands[std::ranges::min_element(found) - found.begin()]);
}

// Each field is looked up once, however many terms there are of it.
bool Selection::fields_match(const Entry& entry, const api::Encoded& encoded) const {
  std::string_view field;
  std::string scratch;
  std::string_view value;
  for (const api::FieldSelector::Term& term : fields_.terms()) {
    if (term.field != field) {
      field = term.field;
      value = value_of(field, entry, encoded, scratch);
    }
    if ((value == term.value) != term.equals) return false;
  }
  return true;
}

}  // namespace ph::apiserver
