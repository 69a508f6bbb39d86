#include "api/patch/field_set.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/json_text.h"
#include "base/assert.h"

namespace ph::api {
namespace {

using Json = nlohmann::json;

std::string order_of_integer(std::int64_t value) {
  const auto biased = static_cast<std::uint64_t>(value) ^ (std::uint64_t{1} << 63);
  return fmt::format("1{:016x}", biased);
}

// A text whose byte order is the order of the values: numbers by value, then texts, then booleans, then the rest.
std::string order_of(const Json& value) {
  if (value.is_number_integer()) return order_of_integer(value.get<std::int64_t>());
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

// No key or value of a kind is as deep; what writes a document goes as deep as it is.
constexpr int kDepthMax = 512;

Json parsed(std::string_view text) {
  Json out = json_syntax_error(text, kDepthMax).empty() ? Json::parse(text, nullptr, false) : Json(Json::value_t::discarded);
  if (out.is_discarded()) throw DecodeError(fmt::format("invalid path element value: {}", text));
  return out;
}

// Nearly all keys and values are a few plain texts and small numbers in compact JSON, which needs no document to be read.
// Gives up at anything else.
class PlainReader {
 public:
  explicit PlainReader(std::string_view text) : rest_(text) {}

  // The order of the one value that is the text.
  std::optional<std::string> value() {
    std::string out;
    if (!scalar(out) || !rest_.empty()) return std::nullopt;
    return out;
  }

  // Of the object that is the text.
  std::optional<std::string> key() {
    std::string out;
    std::string_view before, name;
    if (!take('{')) return std::nullopt;
    do {
      if (!literal(name) || !take(':')) return std::nullopt;
      if (!out.empty() && name <= before) return std::nullopt;
      out.append(before = name).push_back('\0');
      if (!scalar(out)) return std::nullopt;
      out.push_back('\0');
    } while (take(','));
    if (!take('}') || !rest_.empty()) return std::nullopt;
    return out;
  }

 private:
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool literal(std::string_view& out) {
    if (!take('"')) return false;
    std::size_t end = 0;
    for (;; ++end) {
      if (end == rest_.size()) return false;
      const auto c = static_cast<unsigned char>(rest_[end]);
      if (c == '"') break;
      if (c < 0x20 || c >= 0x80 || c == '\\') return false;
    }
    out = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return true;
  }

  bool scalar(std::string& order) {
    std::string_view text;
    if (literal(text)) {
      order.append(1, '2').append(text);
      return true;
    }
    const std::size_t digits = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
    const bool plain = digits > 0 && digits <= 18 && (digits == 1 || rest_[0] != '0');
    const bool ends = digits == rest_.size() || rest_[digits] == ',' || rest_[digits] == '}';
    if (!plain || !ends) return false;
    std::int64_t number = 0;
    std::from_chars(rest_.data(), rest_.data() + digits, number);
    order += order_of_integer(number);
    rest_.remove_prefix(digits);
    return true;
  }

  std::string_view rest_;
};

}  // namespace

PathElement PathElement::field(std::string_view name) { return {Kind::Field, std::string(name), {}}; }

PathElement PathElement::key(std::string_view json) {
  if (auto order = PlainReader(json).key()) return {Kind::Key, std::string(json), std::move(*order)};
  const Json key = parsed(json);
  if (!key.is_object()) throw DecodeError(fmt::format("invalid key: {}", json));
  return {Kind::Key, key.dump(), order_of_key(key)};
}

PathElement PathElement::value(std::string_view json) {
  if (auto order = PlainReader(json).value()) return {Kind::Value, std::string(json), std::move(*order)};
  const Json value = parsed(json);
  return {Kind::Value, value.dump(), order_of(value)};
}

PathElement PathElement::index(std::int64_t index) { return {Kind::Index, std::to_string(index), order_of_integer(index)}; }

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

void PathElement::append_text(std::string& out) const {
  constexpr const char* kPrefixes[] = {"f:", "k:", "v:", "i:"};
  out.append(kPrefixes[static_cast<int>(kind_)]).append(content_);
}

void PathElement::append_path(std::string& out) const {
  switch (kind_) {
    case Kind::Field: out.append(".").append(content_); return;
    case Kind::Value: out.append("[=").append(content_).append("]"); return;
    case Kind::Index: out.append("[").append(content_).append("]"); return;
    case Kind::Key: break;
  }
  char before = '[';
  for (const auto& [name, value] : Json::parse(content_, nullptr, false).items()) {
    out.append(1, std::exchange(before, ',')).append(name).append("=").append(value.dump());
  }
  out.append("]");
}

std::string path_text(std::span<const PathElement> path) {
  std::string out;
  for (const PathElement& element : path) element.append_path(out);
  return out;
}

std::strong_ordering PathElement::operator<=>(const PathElement& other) const {
  if (kind_ != other.kind_) return kind_ <=> other.kind_;
  return order() <=> other.order();
}

const FieldSet::Node* FieldSet::find(const PathElement& element) const {
  const auto at = std::ranges::lower_bound(nodes_, element, {}, &Node::element);
  return at == nodes_.end() || at->element != element ? nullptr : &*at;
}

bool FieldSet::has(std::span<const PathElement> path) const {
  if (path.empty()) return false;
  const Node* at = find(path.front());
  if (!at) return false;
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

void FieldSet::append(PathElement element, bool member, FieldSet below) {
  PH_ASSERT(member || !below.empty());
  PH_ASSERT(nodes_.empty() || nodes_.back().element < element);
  nodes_.push_back({std::move(element), member, std::move(below)});
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

void FieldSet::add(FieldSet other) {
  if (nodes_.empty()) {
    nodes_ = std::move(other.nodes_);
    return;
  }
  Nodes out;
  auto left = nodes_.begin();
  for (Node& node : other.nodes_) {
    while (left != nodes_.end() && left->element < node.element) out.push_back(std::move(*left++));
    if (left == nodes_.end() || left->element != node.element) {
      out.push_back(std::move(node));
      continue;
    }
    left->member |= node.member;
    left->children.add(std::move(node.children));
  }
  if (out.empty()) return;  // nothing was moved: what `other` has is within the first node, or it has nothing
  std::move(left, nodes_.end(), std::back_inserter(out));
  nodes_ = std::move(out);
}

void FieldSet::remove(const FieldSet& other) {
  bool emptied = false;
  auto left = nodes_.begin();
  for (const Node& node : other.nodes_) {
    left = std::lower_bound(left, nodes_.end(), node.element, [](const Node& a, const PathElement& b) { return a.element < b; });
    if (left == nodes_.end()) break;
    if (left->element != node.element) continue;
    if (node.member) left->member = false;
    left->children.remove(node.children);
    emptied |= !left->member && left->children.empty();
  }
  if (emptied) std::erase_if(nodes_, [](const Node& node) { return !node.member && node.children.empty(); });
}

FieldSet FieldSet::united(const FieldSet& other) const {
  FieldSet out = *this;
  out.add(other);
  return out;
}

FieldSet FieldSet::intersected(const FieldSet& other) const {
  FieldSet out;
  auto right = other.nodes_.begin();
  for (const Node& node : nodes_) {
    while (right != other.nodes_.end() && right->element < node.element) ++right;
    if (right == other.nodes_.end() || right->element != node.element) continue;
    FieldSet below = node.children.intersected(right->children);
    const bool member = node.member && right->member;
    if (member || !below.empty()) out.append(node.element, member, std::move(below));
  }
  return out;
}

FieldSet FieldSet::without(const FieldSet& other) const {
  FieldSet out = *this;
  out.remove(other);
  return out;
}

FieldSet FieldSet::without_below(const FieldSet& other) const {
  FieldSet out;
  auto right = other.nodes_.begin();
  for (const Node& node : nodes_) {
    while (right != other.nodes_.end() && right->element < node.element) ++right;
    if (right == other.nodes_.end() || right->element != node.element) {
      out.append(node.element, node.member, node.children);
      continue;
    }
    FieldSet below = right->member ? FieldSet() : node.children.without_below(right->children);
    const bool member = node.member && !right->member;
    if (member || !below.empty()) out.append(node.element, member, std::move(below));
  }
  return out;
}

}  // namespace ph::api
