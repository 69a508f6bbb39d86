// The text form of sets of fields. Nearly every text is canonical, our own: those are read in one pass. The others go by way
// of a document, which says what is wrong with them, or what they mean.
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/json_text.h"
#include "api/patch/field_set.h"

namespace ph::api {

// Reads canonical text. Gives up at anything else, which need not be wrong.
class FieldsReader {
 public:
  explicit FieldsReader(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  std::optional<FieldSet> read() {
    FieldSet out;
    bool self = false;
    if (!object(out, self, 0) || self || at_ != end_) return std::nullopt;
    return out;
  }

 private:
  static constexpr int kDepthMax = 64;  // deeper ones are looked at by the document's reader

  bool take(char c) {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }

  // `self`: the object says `.`, the place itself is of the set.
  bool object(FieldSet& into, bool& self, int depth) {
    if (depth > kDepthMax || !take('{')) return false;
    if (take('}')) return true;
    do {
      if (!string()) return false;
      if (!take(':')) return false;
      if (text_ == ".") {
        if (self || !into.empty() || !take('{') || !take('}')) return false;
        self = true;
        continue;
      }
      PathElement element = PathElement::parse(text_);
      if (!into.nodes_.empty() && !(into.nodes_.back().element < element)) return false;
      FieldSet below;
      bool member = false;
      if (!object(below, member, depth + 1)) return false;
      into.append(std::move(element), member || below.empty(), std::move(below));
    } while (take(','));
    return take('}');
  }

  // A literal into `text_`. Its only escapes are those of quotes and backslashes in keys.
  bool string() {
    if (!take('"')) return false;
    text_.clear();
    for (; at_ != end_; ++at_) {
      char c = *at_;
      if (c == '"') return ++at_, true;
      if (c == '\\') {
        if (++at_ == end_ || (*at_ != '"' && *at_ != '\\')) return false;
        c = *at_;
      } else if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x80) {
        return false;
      }
      text_.push_back(c);
    }
    return false;
  }

  const char* at_;
  const char* const end_;
  std::string text_;
};

namespace {

using Json = nlohmann::json;

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

}  // namespace

FieldSet FieldSet::from_fields_v1(std::string_view text) {
  FieldSet out;
  if (text.empty()) return out;
  if (auto read = FieldsReader(text).read()) return std::move(*read);
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) throw DecodeError("invalid FieldsV1");
  FieldPath path;
  read_set(json, path, out);
  return out;
}

void FieldSet::write(const Nodes& nodes, bool self, std::string& scratch, std::string& out) {
  out += '{';
  if (self && !nodes.empty()) out += "\".\":{}";
  bool first = !self;
  for (const Node& node : nodes) {
    if (!std::exchange(first, false)) out += ',';
    scratch.clear();
    node.element.append_text(scratch);
    append_json_string(scratch, out);
    out += ':';
    write(node.children.nodes_, node.member, scratch, out);
  }
  out += '}';
}

std::string FieldSet::fields_v1() const {
  std::string out, scratch;
  write(nodes_, false, scratch, out);
  return out;
}

}  // namespace ph::api
