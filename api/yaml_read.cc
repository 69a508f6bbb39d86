// YAML to JSON text: a tree of nodes from libyaml's events, then JSON, with merge keys and aliases expanded.
#include <yaml.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/json_text.h"
#include "api/yaml_duplicates.h"
#include "api/yaml_scalar.h"

namespace ph::api {

namespace {

constexpr int kDepthMax = 512;
constexpr std::size_t kNodesMax = 500'000;
constexpr std::size_t kOutputMax = 32u << 20;

[[noreturn]] void refuse(const std::string& why) { throw DecodeError("yaml: " + why); }

struct Node {
  enum Kind : unsigned char { Scalar, Sequence, Mapping, Alias } kind = Scalar;
  bool plain = false;  // a scalar without quotes
  bool open = false;   // being written: met again, it contains itself
  std::string text;    // of a scalar; the name of an alias
  std::string tag;
  std::size_t line = 0;         // where it begins, from 1 on
  std::vector<Node*> children;  // of a mapping: keys and values in turn; of an alias: what it stands for
};

std::string text_of(const unsigned char* text) { return text ? reinterpret_cast<const char*>(text) : ""; }

class Composer {
 public:
  explicit Composer(std::string_view text) {
    if (!yaml_parser_initialize(&parser_)) refuse("out of memory");
    // libyaml takes no null pointer, also for no bytes.
    const char* bytes = text.data() ? text.data() : "";
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(bytes), text.size());
  }
  Composer(const Composer&) = delete;
  ~Composer() {
    yaml_event_delete(&event_);
    yaml_parser_delete(&parser_);
  }

  // The one document, or the first of several; null when there is none.
  Node* run(bool of_several = false) {
    while (next() == YAML_STREAM_START_EVENT) {
    }
    if (event_.type == YAML_STREAM_END_EVENT) return nullptr;
    next();
    Node* root = node(1);
    next();  // the document's end
    if (of_several) return root;
    if (next() != YAML_STREAM_END_EVENT) refuse("only one document is allowed");
    return root;
  }

 private:
  yaml_event_type_t next() {
    yaml_event_delete(&event_);
    if (!yaml_parser_parse(&parser_, &event_)) fail();
    return event_.type;
  }

  [[noreturn]] void fail() const {
    std::size_t line = parser_.problem_mark.line;
    if (line && parser_.error == YAML_SCANNER_ERROR) ++line;
    if (!parser_.problem_mark.line) line = parser_.context_mark.line;
    const std::string problem = parser_.problem ? parser_.problem : "unknown problem parsing YAML content";
    refuse(line ? fmt::format("line {}: {}", line, problem) : problem);
  }

  Node* add(Node::Kind kind, const unsigned char* anchor, const unsigned char* tag) {
    if (nodes_.size() >= kNodesMax) refuse("document has too many values");
    Node* node = nodes_.emplace_back(std::make_unique<Node>()).get();
    node->kind = kind;
    node->tag = text_of(tag);
    node->line = event_.start_mark.line + 1;
    if (anchor) anchors_[text_of(anchor)] = node;
    return node;
  }

  // The node that the present event begins.
  Node* node(int depth) {
    if (depth > kDepthMax) refuse(fmt::format("exceeded max depth of {}", kDepthMax));
    switch (event_.type) {
      case YAML_ALIAS_EVENT: {
        const std::string name = text_of(event_.data.alias.anchor);
        const auto found = anchors_.find(name);
        if (found == anchors_.end()) refuse(fmt::format("unknown anchor '{}' referenced", name));
        Node* alias = add(Node::Alias, nullptr, nullptr);
        alias->text = name;
        alias->children.push_back(found->second);
        return alias;
      }
      case YAML_SCALAR_EVENT: {
        const auto& scalar = event_.data.scalar;
        Node* out = add(Node::Scalar, scalar.anchor, scalar.tag);
        out->plain = scalar.style == YAML_PLAIN_SCALAR_STYLE;
        out->text.assign(reinterpret_cast<const char*>(scalar.value), scalar.length);
        return out;
      }
      case YAML_SEQUENCE_START_EVENT: {
        Node* out = add(Node::Sequence, event_.data.sequence_start.anchor, event_.data.sequence_start.tag);
        while (next() != YAML_SEQUENCE_END_EVENT) out->children.push_back(node(depth + 1));
        return out;
      }
      case YAML_MAPPING_START_EVENT: {
        Node* out = add(Node::Mapping, event_.data.mapping_start.anchor, event_.data.mapping_start.tag);
        while (next() != YAML_MAPPING_END_EVENT) out->children.push_back(node(depth + 1));
        return out;
      }
      default: refuse("unexpected event");
    }
  }

  yaml_parser_t parser_{};
  yaml_event_t event_{};
  std::map<std::string, Node*> anchors_;
  std::vector<std::unique_ptr<Node>> nodes_;
};

class JsonOfYaml {
 public:
  std::string out;

  void write(Node& node, int depth) {
    if (depth > kDepthMax) refuse(fmt::format("exceeded max depth of {}", kDepthMax));
    count();
    switch (node.kind) {
      case Node::Alias: return alias(node, [&](Node& target) { write(target, depth); });
      case Node::Scalar: return append_yaml_scalar(scalar_of(node), out);
      case Node::Sequence: {
        char before = '[';
        for (Node* child : node.children) {
          out.push_back(before);
          before = ',';
          write(*child, depth + 1);
        }
        if (before == '[') out.push_back('[');
        out.push_back(']');
        return;
      }
      case Node::Mapping: return mapping(node, depth);
    }
  }

 private:
  // Nobody writes a document mostly made of repetitions of itself: the shares allowed are upstream's.
  void count() {
    ++values_;
    values_by_alias_ += aliases_open_ > 0;
    const double few = 400'000, many = 4'000'000;
    const double at = std::clamp((static_cast<double>(values_) - few) / (many - few), 0.0, 1.0);
    const double share = 0.99 - at * (0.99 - 0.10);
    const bool looked_at = values_by_alias_ > 100 && values_ > 1000;
    if (looked_at && static_cast<double>(values_by_alias_) > share * static_cast<double>(values_))
      refuse("document contains excessive aliasing");
    if (out.size() > kOutputMax) refuse("document is too large");
  }

  template <class F>
  void alias(Node& node, F&& f) {
    Node& target = *node.children[0];
    if (target.open) refuse(fmt::format("anchor '{}' value contains itself", node.text));
    target.open = true;
    ++aliases_open_;
    f(target);
    --aliases_open_;
    target.open = false;
  }

  static YamlScalar scalar_of(const Node& node) { return resolve_yaml_scalar(node.text, node.tag, node.plain); }

  static bool is_merge(const Node& key) {
    return key.kind == Node::Scalar && key.text == "<<" && (key.tag.empty() ? key.plain : key.tag == "tag:yaml.org,2002:merge");
  }

  static std::string key_of(const Node& key) {
    const Node& node = key.kind == Node::Alias ? *key.children[0] : key;
    if (node.kind != Node::Scalar) refuse("invalid map key: only scalars can be keys");
    return yaml_key(scalar_of(node));
  }

  void mapping(Node& node, int depth) {
    const bool was_open = node.open;
    node.open = true;
    out.push_back('{');
    bool first = true;
    std::vector<std::string> own;
    bool merges = false;
    for (std::size_t i = 0; i + 1 < node.children.size(); i += 2) {
      if (is_merge(*node.children[i])) merges = true;
      else own.push_back(key_of(*node.children[i]));
    }
    if (merges) {
      std::set<std::string> taken(own.begin(), own.end());
      for (std::size_t i = 0; i + 1 < node.children.size(); i += 2) {
        if (is_merge(*node.children[i])) merge(*node.children[i + 1], taken, first, depth, true);
      }
    }
    std::size_t next = 0;
    for (std::size_t i = 0; i + 1 < node.children.size(); i += 2) {
      if (!is_merge(*node.children[i])) member(own[next++], *node.children[i + 1], first, depth);
    }
    out.push_back('}');
    node.open = was_open;
  }

  void member(const std::string& key, Node& value, bool& first, int depth) {
    if (!first) out.push_back(',');
    first = false;
    append_json_string(key, out);
    out.push_back(':');
    write(value, depth + 1);
  }

  // The members of another mapping, or of several, that are not taken yet.
  void merge(Node& from, std::set<std::string>& taken, bool& first, int depth, bool lists) {
    if (depth > kDepthMax) refuse(fmt::format("exceeded max depth of {}", kDepthMax));
    if (from.kind == Node::Alias) return alias(from, [&](Node& target) { merge(target, taken, first, depth + 1, lists); });
    if (from.kind == Node::Sequence && lists) {
      for (Node* each : from.children) merge(*each, taken, first, depth + 1, false);
      return;
    }
    if (from.kind != Node::Mapping) refuse("map merge requires map or sequence of maps as the value");
    count();
    for (std::size_t i = 0; i + 1 < from.children.size(); i += 2) {
      if (is_merge(*from.children[i])) continue;
      const std::string key = key_of(*from.children[i]);
      if (!taken.insert(key).second) continue;
      member(key, *from.children[i + 1], first, depth);
    }
    for (std::size_t i = 0; i + 1 < from.children.size(); i += 2) {
      if (is_merge(*from.children[i])) merge(*from.children[i + 1], taken, first, depth + 1, true);
    }
  }

  std::size_t values_ = 0, values_by_alias_ = 0;
  int aliases_open_ = 0;
};

constexpr std::size_t kDuplicatesMax = 100;

// Aliases are not gone into: what they stand for has been looked at where it stands.
void find_duplicates(const Node& node, std::vector<std::string>& into) {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < node.children.size() && node.kind != Node::Alias; ++i) {
    const bool is_mapping = node.kind == Node::Mapping;
    if (is_mapping && i % 2 == 0) continue;
    const Node& value = *node.children[i];
    find_duplicates(value, into);
    if (!is_mapping || node.children[i - 1]->kind != Node::Scalar) continue;
    const Node& key = *node.children[i - 1];
    std::string name;
    append_yaml_scalar(resolve_yaml_scalar(key.text, key.tag, key.plain), name);
    if (seen.insert(name).second || into.size() >= kDuplicatesMax) continue;
    into.push_back(fmt::format("line {}: key {} already set in map", value.line, name));
  }
}

}  // namespace

std::vector<std::string> yaml_duplicates(std::string_view text) {
  std::vector<std::string> out;
  try {
    Composer composer(text);
    if (const Node* root = composer.run(true)) find_duplicates(*root, out);
  } catch (const DecodeError&) {
    out.clear();
  }
  return out;
}

namespace {

// As text, in the order that nlohmann's objects have: that of names.
void append_json(const nlohmann::json& value, std::string& out) {
  if (value.is_structured()) {
    const bool object = value.is_object();
    out.push_back(object ? '{' : '[');
    for (auto at = value.begin(); at != value.end(); ++at) {
      if (at != value.begin()) out.push_back(',');
      if (object) {
        append_json_string(at.key(), out);
        out.push_back(':');
      }
      append_json(*at, out);
    }
    out.push_back(object ? '}' : ']');
  } else if (value.is_number_float()) {
    append_json_double(value.get<double>(), out);
  } else if (value.is_string()) {
    append_json_string(value.get_ref<const std::string&>(), out);
  } else {
    out += value.dump();
  }
}

}  // namespace

std::string yaml_body_to_json(std::string_view text) {
  Composer composer(text);
  Node* root = composer.run(true);
  if (!root) return "null";
  JsonOfYaml json;
  json.write(*root, 1);
  std::string out;
  append_json(nlohmann::json::parse(json.out), out);
  return out;
}

std::string yaml_to_json(std::string_view text) {
  const auto start = text.find_first_not_of(" \t\r\n");
  const bool may_be_json = start != std::string_view::npos && (text[start] == '{' || text[start] == '[');
  if (may_be_json && json_syntax_error(text, kDepthMax).empty()) return std::string(text);
  Composer composer(text);
  Node* root = composer.run();
  JsonOfYaml json;
  if (!root) return "null";
  json.write(*root, 1);
  return std::move(json.out);
}

}  // namespace ph::api
