#include "api/patch/typed.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/patch/patch_text.h"

namespace ph::api {

using Json = nlohmann::json;

namespace {

// -- Judging

// As Go's %#v shows it.
std::string go_syntax(const Json& value) {
  if (value.is_object()) {
    std::vector<std::string> members;
    for (const auto& [name, member] : value.items()) {
      members.push_back(fmt::format("{}:{}", go_syntax(name), go_syntax(member)));
    }
    return fmt::format("map[string]interface {{}}{{{}}}", fmt::join(members, ", "));
  }
  if (value.is_array()) {
    std::vector<std::string> items;
    for (const Json& item : value) items.push_back(go_syntax(item));
    return fmt::format("[]interface {{}}{{{}}}", fmt::join(items, ", "));
  }
  return value.is_null() ? "interface {}(nil)" : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// What a scalar must be and is not.
std::string scalar_error(Type type, const Json& value) {
  switch (type) {
    case Type::Int32:
    case Type::Int64:
    case Type::Double: return value.is_number() ? "" : fmt::format("expected numeric (int or float), got {}", go_type(value));
    case Type::Bool: return value.is_boolean() ? "" : fmt::format("expected boolean, got &{{{}}}", go_text(value));
    case Type::Quantity:
    case Type::IntOrString: return value.is_primitive() ? "" : fmt::format("expected any scalar, got &{{{}}}", go_text(value));
    case Type::String:
    case Type::Bytes:
    case Type::Time:
    case Type::MicroTime:
    case Type::Duration:
      return value.is_string() ? "" : fmt::format("expected string, got &value.valueUnstructured{{Value:{}}}", go_syntax(value));
    default: return {};
  }
}

class Judge {
 public:
  explicit Judge(Repeats repeats) : repeats_(repeats) {}

  void judge(const Literal& value) {
    const Json& json = value.json();
    if (json.is_null()) return;
    switch (value.schema().type) {
      case Type::Struct:
      case Type::Map:
        if (!json.is_object()) return tell(fmt::format("expected map, got &{{{}}}", go_text(json)));
        return judge_members(value);
      case Type::List:
        if (!json.is_array()) return tell(fmt::format("expected list, got &{{{}}}", go_text(json)));
        return judge_items(value);
      default: return tell(scalar_error(value.schema().type, json));
    }
  }

  std::string text() const {
    if (errors_.empty()) return {};
    return errors_.size() == 1 ? errors_.front() : fmt::format("errors:\n  {}", fmt::join(errors_, "\n  "));
  }

 private:
  void tell(const std::string& why) {
    if (why.empty()) return;
    const std::string at = path_text(path_);
    errors_.push_back(at.empty() ? why : at + ": " + why);
  }

  void below(PathElement element, const Literal& value) {
    path_.push_back(std::move(element));
    judge(value);
    path_.pop_back();
  }

  void judge_members(const Literal& value) {
    const bool is_root = path_.empty() && value.schema().kind;
    for (const auto& [name, member] : value.json().items()) {
      if (is_root && (name == "kind" || name == "apiVersion")) continue;
      const Schema* schema = member_schema(value.schema(), name).schema;
      if (schema) {
        below(PathElement::field(name), Literal(*schema, member));
        continue;
      }
      path_.push_back(PathElement::field(name));
      tell("field not declared in schema");
      path_.pop_back();
      return;  // upstream tells the first of them
    }
  }

  void judge_items(const Literal& list) {
    const auto items = list.items();
    std::set<PathElement> seen;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (is_leaf(list.schema())) {
        below(PathElement::index(static_cast<std::int64_t>(i)), items[i]);
        continue;
      }
      try {
        PathElement element = element_of(list.schema(), items[i]);
        if (!seen.insert(element).second && repeats_ == Repeats::Refused) {
          tell(fmt::format("duplicate entries for key {}", path_text(std::span(&element, 1))));
        }
        below(std::move(element), items[i]);
      } catch (const DecodeError& error) {
        tell(fmt::format("element {}: {}", i, error.what()));
      }
    }
  }

  Repeats repeats_;
  FieldPath path_;
  std::vector<std::string> errors_;
};

// -- The fields of a document

struct Said {
  bool self = false;
  FieldSet below;
};

Said said(const Literal& value);

void say_items(const Literal& list, FieldSet& into) {
  std::map<PathElement, std::vector<Literal>> by_element;
  for (const Literal& item : list.items()) by_element[element_of(list.schema(), item)].push_back(item);
  for (const auto& [element, items] : by_element) {
    // Of items that cannot be told apart none has fields of its own.
    into.append(element, true, items.size() == 1 ? said(items.front()).below : FieldSet());
  }
}

Said said(const Literal& value) {
  if (is_leaf(value.schema())) return {.self = true, .below = {}};
  Said out;
  if (value.json().is_null()) return out;
  if (value.schema().type == Type::List) {
    say_items(value, out.below);
    return out;
  }
  for (const auto& [name, member] : value.members()) {
    Said part = said(member);
    const bool is_entry = !member_schema(value.schema(), name).declared;
    const bool is_hollow = member.json().is_null() || (member.json().is_object() && member.json().empty());
    part.self |= is_entry || is_hollow;
    if (part.self || !part.below.empty()) out.below.append(PathElement::field(name), part.self, std::move(part.below));
  }
  return out;
}

// What is below an element of a set, by the schema of what holds it; null where the schema has nothing of the kind.
MemberSchema below(const Schema& schema, const PathElement& element) {
  if (element.kind() == PathElement::Kind::Field) return member_schema(schema, element.content());
  return {schema.type == Type::List ? schema.element : nullptr, false};
}

bool is_container(const Schema& schema) {
  return schema.type == Type::Struct || schema.type == Type::Map || schema.type == Type::List;
}

// A custom kind's untyped parts are seen as maps as deep as a set goes.
const Schema* seen(const Schema* schema) {
  if (!schema) return nullptr;
  static const Json kObject = Json::object();
  return &Literal(*schema, kObject).schema();
}

// -- Merging

Json merge_values(const Literal& live, const Literal& config);

// One of them may be absent.
Json merge_either(const Literal& live, const Literal& config) {
  if (live && config) return merge_values(live, config);
  return config ? config.json() : live.json();
}

Json merge_members(const Literal& live, const Literal& config) {
  Json out = Json::object();
  for (const auto& [name, member] : live.json().items()) {
    if (!config.json().contains(name)) out[name] = member;
  }
  for (const auto& [name, member] : config.members()) out[name] = merge_either(live.member(name), member);
  return out;
}

class ListMerger {
 public:
  ListMerger(const Literal& live, const Literal& config) : live_(identified(live)), config_(identified(config)) {
    for (const Item& item : live_) {
      const auto [at, is_new] = in_live_.emplace(&item.element, item.value);
      // What of the stored items cannot be told apart is replaced, not merged.
      if (!is_new) at->second = Literal();
    }
    for (const Item& item : config_) in_config_.insert(&item.element);
  }

  Json run() {
    std::size_t kept = 0;
    find_next_shared();
    while (kept < live_.size() || next_ < config_.size()) {
      if (kept < live_.size()) {
        const Item& item = live_[kept];
        if (!in_config_.contains(&item.element)) {
          out_.push_back(item.value.json());
          ++kept;
          continue;
        }
        // It comes, or has come, where the configuration has it; until then those wait that come with it.
        const bool is_due = shared_ < config_.size() && config_[shared_].element == item.element;
        if (!is_due) {
          ++kept;
          if (shared_ < config_.size() || next_ == config_.size()) continue;
        }
        if (is_due && next_ == shared_) ++kept;
      }
      if (next_ < config_.size()) take_next();
    }
    return std::move(out_);
  }

 private:
  struct Item {
    PathElement element;
    Literal value;
  };
  struct ByElement {
    bool operator()(const PathElement* a, const PathElement* b) const { return *a < *b; }
  };

  static std::vector<Item> identified(const Literal& list) {
    std::vector<Item> out;
    for (const Literal& item : list.items()) out.push_back({element_of(list.schema(), item), item});
    return out;
  }

  void find_next_shared() {
    while (shared_ < config_.size() && !in_live_.contains(&config_[shared_].element)) ++shared_;
  }

  void take_next() {
    const Item& item = config_[next_];
    const auto found = in_live_.find(&item.element);
    out_.push_back(merge_either(found == in_live_.end() ? Literal() : found->second, item.value));
    if (next_++ != shared_) return;
    ++shared_;
    find_next_shared();
  }

  std::vector<Item> live_, config_;
  std::map<const PathElement*, Literal, ByElement> in_live_;
  std::set<const PathElement*, ByElement> in_config_;
  std::size_t next_ = 0;    // of the configuration's items, the next to be taken
  std::size_t shared_ = 0;  // … and the next that is stored as well
  Json out_ = Json::array();
};

Json merge_values(const Literal& live, const Literal& config) {
  if (is_leaf(live.schema()) || live.is_hollow()) return config.json();
  // Where nothing is typed, what was a map may become a list.
  const bool same_type = live.schema().type == config.schema().type;
  if (config.json().is_null() || (same_type && config.is_hollow())) return live.json();
  if (!same_type || is_leaf(config.schema())) return config.json();
  return config.schema().type == Type::List ? ListMerger(live, config).run() : merge_members(live, config);
}

// -- Taking away

Json remove_from(const Literal& value, const FieldSet& fields);

// What is left of a part; nothing: it goes.
std::optional<Json> rest_of(const Literal& part, const FieldSet::Node* node) {
  if (!node) return part.json();
  if (node->member) return std::nullopt;
  return remove_from(part, node->children);
}

Json remove_from(const Literal& value, const FieldSet& fields) {
  if (value.is_hollow() || is_leaf(value.schema())) return value.json();
  if (value.schema().type == Type::List) {
    Json out = Json::array();
    for (const Literal& item : value.items()) {
      if (auto rest = rest_of(item, fields.find(element_of(value.schema(), item)))) out.push_back(std::move(*rest));
    }
    return out;
  }
  Json out = Json::object();
  for (const auto& [name, member] : value.members()) {
    if (auto rest = rest_of(member, fields.find(PathElement::field(name)))) out[name] = std::move(*rest);
  }
  return out;
}

}  // namespace

std::string typed_error(const Literal& document, Repeats repeats) {
  Judge judge(repeats);
  judge.judge(document);
  return judge.text();
}

FieldSet said_by(const Literal& document) { return said(document).below; }

FieldSet with_atoms_whole(const Schema& schema, const FieldSet& fields) {
  FieldSet out;
  for (const FieldSet::Node& node : fields.nodes()) {
    const Schema* member = below(schema, node.element).schema;
    const bool is_atom = member && is_container(*member) && is_leaf(*member);
    if (is_atom || !member) {
      out.append(node.element, node.member || is_atom, is_atom ? FieldSet() : node.children);
    } else {
      out.append(node.element, node.member, with_atoms_whole(*member, node.children));
    }
  }
  return out;
}

FieldSet with_parents(const Schema& schema, const FieldSet& fields) {
  FieldSet out;
  for (const FieldSet::Node& node : fields.nodes()) {
    const MemberSchema member = below(schema, node.element);
    const Schema* within = seen(member.schema);
    FieldSet children = within ? with_parents(*within, node.children) : node.children;
    out.append(node.element, node.member || member.declared, std::move(children));
  }
  return out;
}

Json merged(const Literal& live, const Literal& config) { return merge_values(live, config); }

Json without_fields(const Literal& document, const FieldSet& fields) { return remove_from(document, fields); }

}  // namespace ph::api
