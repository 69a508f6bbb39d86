// Embedded resources, and the lists whose items must differ.
#include <map>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/json_text.h"
#include "api/kinds.h"
#include "api/names.h"
#include "api/structural/document.h"
#include "api/structural/tree.h"
#include "api/validation/validation.h"
#include "base/ascii.h"

namespace ph::api::structural {

std::string Place::text(std::string_view before) const {
  if (!up) {
    if (kind == kRoot) return std::string(before);
    return before.empty() ? std::string(name) : fmt::format("{}.{}", before, name);
  }
  std::string out = up->text(before);
  switch (kind) {
    case kMember: out.append(out.empty() ? "" : ".").append(name); break;
    case kKey: out.append("[").append(name).append("]"); break;
    case kIndex: out += fmt::format("[{}]", index); break;
    case kRoot: break;
  }
  return out;
}

namespace {

Place root_of(std::string_view path) {
  return {.up = nullptr, .name = path, .index = 0, .kind = path.empty() ? Place::kRoot : Place::kMember};
}

class Resources {
 public:
  explicit Resources(Errors& errors) : errors_(errors) {}

  void check(const Json& value, const Node* node, bool resource, const Place& place) {
    if (!node) return;
    if (value.is_array()) {
      for (std::size_t i = 0; i < value.size() && node->items; ++i)
        check(value[i], node->items, node->items->embedded, place.item(i));
    }
    if (!value.is_object()) return;
    if (resource) this->resource(value, place);
    for (const auto& [name, member] : value.items()) {
      const Node* own = node->property(name);
      const Node* known = own ? own : node->additional;
      if (known) check(member, known, known->embedded, own ? place.member(name) : place.key(name));
    }
  }

 private:
  void resource(const Json& value, const Place& place) {
    if (const std::string* version = text_member(value, kApiVersion, place); version && std::ranges::count(*version, '/') > 1) {
      const std::string path = place.member(kApiVersion).text();
      errors_.invalid_text(Path(path), *version, fmt::format("unexpected GroupVersion string: {}", *version));
    }
    if (const std::string* kind = text_member(value, kKind, place)) {
      const std::string path = place.member(kKind).text();
      const std::vector<std::string> complaints = check_dns1035_label(lower_ascii(*kind));
      if (!complaints.empty()) {
        errors_.invalid_text(Path(path), *kind,
                             fmt::format("may have mixed case, but should otherwise match: {}", fmt::join(complaints, ",")));
      }
    }
    const auto found = value.find(std::string(kMetadata));
    if (found != value.end()) metadata(*found, place.member(kMetadata));
  }

  // Null: a complaint was made.
  const std::string* text_member(const Json& value, std::string_view name, const Place& place) {
    const std::string path = place.member(name).text();
    const auto found = value.find(std::string(name));
    if (found == value.end() || (found->is_string() && found->get_ref<const std::string&>().empty())) {
      errors_.required(Path(path));
      return nullptr;
    }
    if (found->is_string()) return &found->get_ref<const std::string&>();
    errors_.invalid(Path(path), value_text(*found), "must be a string");
    return nullptr;
  }

  void metadata(const Json& value, const Place& place) {
    const std::string path = place.text();
    meta::v1::ObjectMeta typed;
    try {
      if (!value.is_null() && !value.is_object()) {
        throw DecodeError(fmt::format("json: cannot unmarshal {} into Go value of type v1.ObjectMeta", json_type_name(value)));
      }
      from_json(value, typed);
    } catch (const DecodeError& error) {
      errors_.invalid(Path(path), value_text(value), error.what());
      return;
    }
    if (typed.name().empty()) typed.set_name("fakename");
    validate_metadata(typed, !typed.namespace_().empty(), path_segment_name, Path(path), errors_);
  }

  Errors& errors_;
};

class Lists {
 public:
  explicit Lists(Errors& errors) : errors_(errors) {}

  void check(const Json& value, const Node* node, const Place& place) {
    if (!node) return;
    if (value.is_object()) {
      for (const auto& [name, member] : value.items()) {
        if (node->additional) check(member, node->additional, place.key(name));
        if (const Node* own = node->property(name)) check(member, own, place.member(name));
      }
    }
    if (!value.is_array()) return;
    if (node->list_type == "set") set(value, place);
    if (node->list_type == "map") map(value, *node, place);
    for (std::size_t i = 0; i < value.size() && node->items; ++i) check(value[i], node->items, place.item(i));
  }

 private:
  // Told once of each value, where it comes the second time.
  template <class Keys>
  void unique(const Keys& keys, const Place& place) {
    std::map<std::string, int> seen;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      // An integer and a double are two things, whatever they say.
      const std::string text = fmt::format("{}{}", keys[i].is_number_float() ? "f" : "", value_text(keys[i]));
      if (++seen[text] != 2) continue;
      const std::string path = place.item(i).text();
      errors_.duplicate_json(Path(path), value_text(keys[i]));
    }
  }

  void set(const Json& list, const Place& place) { unique(list, place); }

  void map(const Json& list, const Node& node, const Place& place) {
    std::vector<Json> keys;
    for (std::size_t i = 0; i < list.size(); ++i) {
      const Json& item = list[i];
      if (!item.is_null() && !item.is_object()) {
        const std::string path = place.item(i).text();
        return errors_.invalid(Path(path), value_text(item), "must be an object for an array of list-type map");
      }
      Json key = Json::object();
      for (const std::string& name : node.list_map_keys) {
        if (item.is_object() && item.contains(name)) key[name] = item[name];
      }
      keys.push_back(std::move(key));
    }
    unique(keys, place);
  }

  Errors& errors_;
};

}  // namespace

void validate_embedded_value(const Json& value, const Node& node, std::string_view path, bool root_is_resource, Errors& errors) {
  Resources(errors).check(value, &node, root_is_resource || node.embedded, root_of(path));
}

void validate_list_values(const Json& value, const Node& node, std::string_view path, Errors& errors) {
  Lists(errors).check(value, &node, root_of(path));
}

void Structural::validate_embedded(const Json& value, std::string_view path, bool root_is_resource, Errors& errors) const {
  validate_embedded_value(value, root(), path, root_is_resource, errors);
}

void Structural::validate_lists(const Json& value, std::string_view path, Errors& errors) const {
  validate_list_values(value, root(), path, errors);
}

}  // namespace ph::api::structural
