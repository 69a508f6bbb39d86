// What a schema does not have is cut; what is embedded keeps the metadata that ObjectMeta has.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/json_text.h"
#include "api/kinds.h"
#include "api/structural/document.h"
#include "api/structural/node.h"
#include "api/structural/tree.h"

namespace ph::api::structural {

namespace {

class Unknown {
 public:
  explicit Unknown(std::vector<std::string>* out) : out_(out) {}
  void add(const Place& place) {
    constexpr std::size_t kMax = 100;
    if (!out_ || out_->size() >= kMax) return;
    std::string path = place.text();
    if (std::ranges::find(*out_, path) == out_->end()) out_->push_back(std::move(path));
  }
  bool wanted() const { return out_ != nullptr; }

 private:
  std::vector<std::string>* out_;
};

class Pruner {
 public:
  explicit Pruner(std::vector<std::string>* unknown) : unknown_(unknown) {}

  // `node` null: nothing is known of the value.
  void prune(Json& value, const Node* node, bool resource, const Place& place) {
    if (value.is_array()) {
      const bool islands = node && node->preserve_unknown;
      for (std::size_t i = 0; i < value.size(); ++i) {
        const Node* items = node ? node->items : nullptr;
        if (islands && !items) continue;
        const Place inner = place.item(i);
        // Within an array that keeps what is unknown, so do its items.
        if (islands) object(value[i], items, true, items->embedded, inner);
        else prune(value[i], items, items && items->embedded, inner);
      }
      return;
    }
    object(value, node, node && node->preserve_unknown, resource, place);
  }

 private:
  void object(Json& value, const Node* node, bool keep, bool resource, const Place& place) {
    if (value.is_array() && keep) {
      for (std::size_t i = 0; i < value.size() && node->items; ++i)
        object(value[i], node->items, true, node->items->embedded, place.item(i));
      return;
    }
    if (!value.is_object()) return;
    for (auto member = value.begin(); member != value.end();) {
      const std::string& name = member.key();
      const Place inner = place.member(name);
      if (resource && is_meta_field(name)) {
        ++member;
        continue;
      }
      const Node* known = node ? node->member(name) : nullptr;
      const bool named = node && (node->property(name) || node->has_additional);
      if (named) prune(*member, known, known && known->embedded, inner);
      if (named || keep) {
        ++member;
      } else {
        unknown_.add(inner);
        member = value.erase(member);
      }
    }
  }

  Unknown unknown_;
};

class Coercer {
 public:
  Coercer(bool drop_invalid, std::vector<std::string>* unknown, Errors& errors)
      : drop_invalid_(drop_invalid), unknown_(unknown), errors_(errors) {}

  // False: there was an error, and there is no more to be done.
  bool coerce(Json& value, const Node* node, const Place& place) {
    if (!node) return true;
    if (value.is_array()) {
      for (std::size_t i = 0; i < value.size(); ++i) {
        if (!coerce(value[i], node->items, place.item(i))) return false;
      }
    }
    if (!value.is_object()) return true;
    if (node->embedded && !resource(value, place)) return false;
    for (auto& [name, member] : value.items()) {
      const Node* own = node->property(name);
      if (!coerce(member, own ? own : node->additional, own ? place.member(name) : place.key(name))) return false;
    }
    return true;
  }

 private:
  bool resource(Json& value, const Place& place) {
    for (const std::string_view name : {kApiVersion, kKind}) {
      const auto found = value.find(std::string(name));
      if (found == value.end() || found->is_string()) continue;
      if (!drop_invalid_) return complain(place.member(name), *found, "must be a string");
      value.erase(found);
    }
    const auto found = value.find(std::string(kMetadata));
    return found == value.end() || metadata(*found, place.member(kMetadata));
  }

  bool metadata(Json& metadata, const Place& place) {
    if (metadata.is_null()) metadata = Json::object();
    if (drop_invalid_) drop_invalid_members(metadata);
    meta::v1::ObjectMeta typed;
    std::vector<std::string> complaints;
    const DecodeOptions options{.unknown = api::Unknown::Warn, .warnings = &complaints};
    try {
      if (!metadata.is_object())
        throw DecodeError(fmt::format("json: cannot unmarshal {} into Go value of type v1.ObjectMeta", json_type_name(metadata)));
      from_json(metadata, typed, options);
    } catch (const DecodeError& error) {
      return drop_invalid_ || complain(place, metadata, error.what());
    }
    if (unknown_.wanted()) {
      for (const auto& [name, value] : metadata.items()) {
        if (!api::schema_of<meta::v1::ObjectMeta>().field(name)) unknown_.add(place.member(name));
      }
    }
    metadata = to_json(typed);
    if (metadata.value("creationTimestamp", Json()).is_null()) metadata.erase("creationTimestamp");
    return true;
  }

  // What cannot be read by itself goes, so that the rest can.
  static void drop_invalid_members(Json& metadata) {
    if (!metadata.is_object()) return;
    for (auto member = metadata.begin(); member != metadata.end();) {
      try {
        meta::v1::ObjectMeta typed;
        from_json(Json{{member.key(), *member}}, typed);
        ++member;
      } catch (const DecodeError&) {
        member = metadata.erase(member);
      }
    }
  }

  bool complain(const Place& place, const Json& value, std::string_view what) {
    const std::string path = place.text();
    errors_.invalid(Path(path), value_text(value), what);
    return false;
  }

  bool drop_invalid_;
  Unknown unknown_;
  Errors& errors_;
};

}  // namespace

void prune_value(Json& value, const Node& node, bool resource) {
  Pruner(nullptr).prune(value, &node, resource || node.embedded, Place{});
}

bool coerce_value(Json& value, const Node& node, std::string_view path, Errors& errors) {
  return Coercer(false, nullptr, errors)
      .coerce(value, &node, Place{.name = path, .kind = path.empty() ? Place::kRoot : Place::kMember});
}

void Structural::prune(Json& document, std::vector<std::string>* unknown) const {
  Pruner(unknown).prune(document, &root(), true, Place{});
}

void Structural::coerce(Json& document, bool drop_invalid, Errors& errors, std::vector<std::string>* unknown) const {
  Coercer coercer(drop_invalid, unknown, errors);
  const Place place;
  // The document itself is no embedded resource.
  for (auto& [name, member] : document.items()) {
    if (is_meta_field(name)) continue;
    if (!coercer.coerce(member, root().member(name), place.member(name))) return;
  }
}

}  // namespace ph::api::structural
