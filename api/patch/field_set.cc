#include "api/patch/field_set.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/json_text.h"

namespace ph::api {
namespace {

using Json = nlohmann::json;

// A text whose byte order is the order of the values: numbers by value, then texts, then booleans, then the rest.
std::string order_of(const Json& value) {
  if (value.is_number_integer()) {
    const auto biased = static_cast<std::uint64_t>(value.get<std::int64_t>()) ^ (std::uint64_t{1} << 63);
    return fmt::format("1{:016x}", biased);
  }
  if (value.is_number()) return fmt::format("1{}", value.dump());
  if (value.is_string()) return "2" + value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "4" : "3";
  return "5" + value.dump();
}

std::string order_of_key(const Json& key) {
  std::string out;
  for (const auto& [name, value] : key.items()) {
    // The separators sort before any text, so that a prefix comes first.
    out.append(name).push_back('\0');
    out.append(order_of(value)).push_back('\0');
  }
  return out;
}

Json parsed(std::string_view text) {
  Json out = Json::parse(text, nullptr, false);
  if (out.is_discarded()) throw DecodeError(fmt::format("invalid path element value: {}", text));
  return out;
}

}  // namespace

PathElement PathElement::field(std::string_view name) { return {Kind::Field, std::string(name), std::string(name)}; }

PathElement PathElement::key(std::string_view json) {
  const Json key = parsed(json);
  if (!key.is_object()) throw DecodeError(fmt::format("invalid key: {}", json));
  return {Kind::Key, key.dump(), order_of_key(key)};
}

PathElement PathElement::value(std::string_view json) {
  const Json value = parsed(json);
  return {Kind::Value, value.dump(), order_of(value)};
}

PathElement PathElement::index(std::int64_t index) { return {Kind::Index, std::to_string(index), order_of(Json(index))}; }

PathElement PathElement::parse(std::string_view text) {
  if (text.size() < 2 || text[1] != ':') throw DecodeError(fmt::format("missing colon: {}", text));
  const std::string_view rest = text.substr(2);
  switch (text[0]) {
    case 'f': return field(rest);
    case 'k': return key(rest);
    case 'v': return value(rest);
    case 'i': {
      std::int64_t out = 0;
      const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), out);
      if (error != std::errc() || end != rest.data() + rest.size()) throw DecodeError(fmt::format("invalid index: {}", rest));
      return index(out);
    }
    default: throw DecodeError(fmt::format("unknown path element: {}", text));
  }
}

std::string PathElement::text() const {
  constexpr const char* kPrefixes[] = {"f:", "k:", "v:", "i:"};
  return kPrefixes[static_cast<int>(kind_)] + content_;
}

std::strong_ordering PathElement::operator<=>(const PathElement& other) const {
  if (kind_ != other.kind_) return kind_ <=> other.kind_;
  return order_ <=> other.order_;
}

namespace {

// No kind is as deep; what reads and writes sets goes as deep as they are.
constexpr std::size_t kDepthMax = 512;

void read_set(const Json& json, FieldPath& path, FieldSet& into) {
  if (path.size() > kDepthMax) throw DecodeError("FieldsV1 is nested too deeply");
  if (!json.is_object()) throw DecodeError("FieldsV1 must be an object");
  for (const auto& [name, below] : json.items()) {
    if (name == ".") {
      into.insert(path);
      continue;
    }
    path.push_back(PathElement::parse(name));
    if (below.empty()) {
      into.insert(path);
    } else {
      read_set(below, path, into);
    }
    path.pop_back();
  }
}

enum Mode { kUnion, kIntersection, kDifference, kDifferenceBelow };

}  // namespace

FieldSet FieldSet::from_fields_v1(std::string_view text) {
  FieldSet out;
  if (text.empty()) return out;
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) throw DecodeError("invalid FieldsV1");
  FieldPath path;
  read_set(json, path, out);
  return out;
}

void FieldSet::write(const Nodes& nodes, bool self, std::string& out) {
  out += '{';
  if (self && !nodes.empty()) out += "\".\":{}";
  bool first = !self;
  for (const Node& node : nodes) {
    if (!std::exchange(first, false)) out += ',';
    append_json_string(node.element.text(), out);
    out += ':';
    write(node.children.nodes_, node.member, out);
  }
  out += '}';
}

std::string FieldSet::fields_v1() const {
  std::string out;
  write(nodes_, false, out);
  return out;
}

bool FieldSet::has(std::span<const PathElement> path) const {
  if (path.empty()) return false;
  const auto at = std::ranges::lower_bound(nodes_, path.front(), {}, &Node::element);
  if (at == nodes_.end() || at->element != path.front()) return false;
  return path.size() == 1 ? at->member : at->children.has(path.subspan(1));
}

void FieldSet::insert(std::span<const PathElement> path) {
  if (path.empty()) return;
  auto at = std::ranges::lower_bound(nodes_, path.front(), {}, &Node::element);
  if (at == nodes_.end() || at->element != path.front()) at = nodes_.insert(at, Node{path.front(), false, {}});
  if (path.size() == 1) {
    at->member = true;
  } else {
    at->children.insert(path.subspan(1));
  }
}

std::vector<FieldPath> FieldSet::paths() const {
  std::vector<FieldPath> out;
  for (const Node& node : nodes_) {
    if (node.member) out.push_back({node.element});
    for (FieldPath& below : node.children.paths()) {
      below.insert(below.begin(), node.element);
      out.push_back(std::move(below));
    }
  }
  return out;
}

FieldSet::Nodes FieldSet::merge(const Nodes& a, const Nodes& b, int mode) {
  Nodes out;
  const auto keep = [&](const Node& node, bool wanted) {
    if (wanted) out.push_back(node);
  };
  auto left = a.begin();
  auto right = b.begin();
  while (left != a.end() || right != b.end()) {
    if (right == b.end() || (left != a.end() && left->element < right->element)) {
      keep(*left++, mode != kIntersection);
    } else if (left == a.end() || right->element < left->element) {
      keep(*right++, mode == kUnion);
    } else {
      Node node{left->element, false, {}};
      const bool cut = mode == kDifferenceBelow && right->member;
      node.member = mode == kUnion ? left->member || right->member : mode == kIntersection ? left->member && right->member : left->member && !right->member;
      if (!cut) node.children.nodes_ = merge(left->children.nodes_, right->children.nodes_, mode);
      keep(node, node.member || !node.children.empty());
      ++left;
      ++right;
    }
  }
  return out;
}

FieldSet FieldSet::united(const FieldSet& other) const {
  FieldSet out;
  out.nodes_ = merge(nodes_, other.nodes_, kUnion);
  return out;
}
FieldSet FieldSet::intersected(const FieldSet& other) const {
  FieldSet out;
  out.nodes_ = merge(nodes_, other.nodes_, kIntersection);
  return out;
}
FieldSet FieldSet::without(const FieldSet& other) const {
  FieldSet out;
  out.nodes_ = merge(nodes_, other.nodes_, kDifference);
  return out;
}
FieldSet FieldSet::without_below(const FieldSet& other) const {
  FieldSet out;
  out.nodes_ = merge(nodes_, other.nodes_, kDifferenceBelow);
  return out;
}

}  // namespace ph::api
