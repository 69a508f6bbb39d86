#include "scheduler/extender/wire.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <span>

#include "api/codec.h"
#include "api/json_text.h"

namespace ph::scheduler {

using core::v1::Node, core::v1::Pod;
using nlohmann::json;

// -- Questions

ExtenderArgsWriter::ExtenderArgsWriter(const Pod& pod, bool names_only)
    : names_only_(names_only), text_("{\"Pod\":" + api::encode_json(pod)) {
  text_ += names_only ? R"(,"Nodes":null,"NodeNames":[)" : R"(,"Nodes":{"metadata":{},"items":[)";
}

void ExtenderArgsWriter::add(const Node& node) {
  if (!first_) text_ += ',';
  first_ = false;
  if (names_only_) {
    api::append_json_string(node.metadata().name(), text_);
  } else {
    text_ += api::encode_json(node);
  }
}

std::string ExtenderArgsWriter::finish() && {
  text_ += names_only_ ? "]}" : R"(]},"NodeNames":null})";
  return std::move(text_);
}

std::string extender_binding_args(const Pod& pod, std::string_view node) {
  std::string out;
  const auto member = [&](std::string_view name, std::string_view value) {
    out += fmt::format("{}\"{}\":", out.empty() ? "{" : ",", name);
    api::append_json_string(value, out);
  };
  member("PodName", pod.metadata().name());
  member("PodNamespace", pod.metadata().namespace_());
  member("PodUID", pod.metadata().uid());
  member("Node", node);
  return out + "}";
}

// -- Answers

namespace {

enum class Kind { Null, Bool, Number, String, Array, Object };

std::string_view go_name(Kind kind) {
  static constexpr std::string_view kNames[] = {"null", "bool", "number", "string", "array", "object"};
  return kNames[static_cast<int>(kind)];
}

// What must stand at a path. Paths are made of lower-case names and, for what is in a list, "[]".
struct Shape {
  std::string_view path;
  Kind kind;
  std::string_view field, type;  // as Go calls them
};

// No name can pass for a path.
std::string path_part(std::string_view name) {
  std::string out(name);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == '.' || c == '[') c = '?';
  }
  return out;
}

// Goes through a text once, keeping nothing but the path it is at.
class Walker : private nlohmann::json_sax<json> {
 public:
  virtual ~Walker() = default;

  void read(std::string_view text) {
    auto* handler = static_cast<nlohmann::json_sax<json>*>(this);
    if (!json::sax_parse(text, handler, json::input_format_t::json, false) || !syntax_error_.empty()) {
      throw api::DecodeError(syntax_error(text));
    }
    if (!type_error_.empty()) throw api::DecodeError(type_error_);
  }

 protected:
  explicit Walker(std::span<const Shape> shapes) : shapes_(shapes) {}

  // A value of the right kind at one of the shapes' paths, or any string within an object there.
  virtual void on_string(std::string& value) = 0;
  virtual void on_integer(std::int64_t value) {}
  virtual void on_begin() {}

  const std::string& path() const { return path_; }
  bool at(std::string_view path) const { return path_ == path; }
  // A member of the object at `path`, whatever its name.
  bool in(std::string_view path) const {
    return !frames_.empty() && frames_.back() == path.size() && path_.size() > path.size() && path_.starts_with(path) &&
           path_[path.size()] == '.';
  }
  const std::string& name() const { return name_; }
  void refuse(Kind kind, std::string_view field, std::string_view type, std::string_view what = {}) {
    if (!type_error_.empty()) return;
    type_error_ = fmt::format("json: cannot unmarshal {}{}{} into Go {} of type {}", go_name(kind), what.empty() ? "" : " ", what,
                              field.empty() ? "value" : fmt::format("struct field {}", field), type);
  }
  const Shape* shape() const {
    for (const Shape& shape : shapes_) {
      if (shape.path == path_) return &shape;
    }
    return nullptr;
  }

 private:
  // Whether the value is to be looked at.
  bool expect(Kind kind) {
    const Shape* found = shape();
    if (!found || kind == Kind::Null) return false;
    if (found->kind == kind) return true;
    refuse(kind, found->field, found->type);
    return false;
  }

  bool number(std::string_view text, std::optional<std::int64_t> value) {
    if (!expect(Kind::Number)) return true;
    if (value) {
      on_integer(*value);
    } else {
      refuse(Kind::Number, shape()->field, shape()->type, text);
    }
    return true;
  }

  bool null() override { return true; }
  bool boolean(bool) override { return expect(Kind::Bool), true; }
  bool number_integer(std::int64_t value) override { return number(std::to_string(value), value); }
  bool number_unsigned(std::uint64_t value) override {
    const bool fits = value <= static_cast<std::uint64_t>(INT64_MAX);
    return number(std::to_string(value), fits ? std::optional(static_cast<std::int64_t>(value)) : std::nullopt);
  }
  bool number_float(double, const std::string& text) override { return number(text, std::nullopt); }
  bool string(std::string& value) override {
    if (const Shape* found = shape(); found ? expect(Kind::String) : true) on_string(value);
    return true;
  }
  bool binary(json::binary_t&) override { return false; }
  bool start_array(std::size_t) override {
    if (expect(Kind::Array)) on_begin();
    frames_.push_back(path_.size());
    path_ += "[]";
    return true;
  }
  bool start_object(std::size_t) override {
    if (expect(Kind::Object)) on_begin();
    frames_.push_back(path_.size());
    return true;
  }
  bool key(std::string& name) override {
    path_.resize(frames_.back());
    path_ += '.';
    path_ += path_part(name);
    name_ = std::move(name);
    return true;
  }
  bool end() {
    path_.resize(frames_.back());
    frames_.pop_back();
    return true;
  }
  bool end_array() override { return end(); }
  bool end_object() override { return end(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) override {
    syntax_error_ = error.what();
    return false;
  }

  std::string syntax_error(std::string_view text) const {
    constexpr int kDepthMax = 10'000;
    const std::string error = api::json_syntax_error(text, kDepthMax);
    if (error == "unexpected end of JSON input") {
      return text.find_first_not_of(" \t\r\n") == text.npos ? "EOF" : "unexpected EOF";
    }
    return error.empty() ? syntax_error_ : error;
  }

  std::span<const Shape> shapes_;
  std::string path_, name_, syntax_error_, type_error_;
  std::vector<std::size_t> frames_;  // the length of the path of each open list and object
};

constexpr std::string_view kNodesType = "v1.NodeList", kFailedType = "v1.FailedNodesMap";

class FilterResultReader final : public Walker {
 public:
  FilterResultReader() : Walker(kShapes) {}
  ExtenderFilterResult result;

 private:
  static constexpr Shape kShapes[] = {
      {"", Kind::Object, "", "v1.ExtenderFilterResult"},
      {".nodes", Kind::Object, "ExtenderFilterResult.Nodes", kNodesType},
      {".nodes.items", Kind::Array, "ExtenderFilterResult.Nodes.items", "[]v1.Node"},
      {".nodes.items[]", Kind::Object, "ExtenderFilterResult.Nodes.items", "v1.Node"},
      {".nodes.items[].metadata", Kind::Object, "ExtenderFilterResult.Nodes.items.metadata", "v1.ObjectMeta"},
      {".nodes.items[].metadata.name", Kind::String, "ExtenderFilterResult.Nodes.items.metadata.name", "string"},
      {".nodenames", Kind::Array, "ExtenderFilterResult.NodeNames", "[]string"},
      {".nodenames[]", Kind::String, "ExtenderFilterResult.NodeNames", "string"},
      {".failednodes", Kind::Object, "ExtenderFilterResult.FailedNodes", kFailedType},
      {".failedandunresolvablenodes", Kind::Object, "ExtenderFilterResult.FailedAndUnresolvableNodes", kFailedType},
      {".error", Kind::String, "ExtenderFilterResult.Error", "string"},
  };

  void on_begin() override {
    if (at(".nodes")) result.nodes.emplace();
    if (at(".nodes.items[]")) result.nodes->emplace_back();
    if (at(".nodenames")) result.node_names.emplace();
  }
  void on_string(std::string& value) override {
    if (at(".error")) result.error = std::move(value);
    if (at(".nodenames[]")) result.node_names->push_back(std::move(value));
    if (at(".nodes.items[].metadata.name")) result.nodes->back() = std::move(value);
    if (in(".failednodes")) result.failed_nodes[name()] = std::move(value);
    if (in(".failedandunresolvablenodes")) result.failed_and_unresolvable_nodes[name()] = std::move(value);
  }
};

class PrioritiesReader final : public Walker {
 public:
  PrioritiesReader() : Walker(kShapes) {}
  std::vector<HostPriority> result;

 private:
  static constexpr Shape kShapes[] = {
      {"", Kind::Array, "", "v1.HostPriorityList"},
      {"[]", Kind::Object, "", "v1.HostPriority"},
      {"[].host", Kind::String, "HostPriority.Host", "string"},
      {"[].score", Kind::Number, "HostPriority.Score", "int64"},
  };
  void on_begin() override {
    if (at("[]")) result.emplace_back();
  }
  void on_string(std::string& value) override {
    if (at("[].host")) result.back().host = std::move(value);
  }
  void on_integer(std::int64_t value) override {
    if (at("[].score")) result.back().score = value;
  }
};

class BindingResultReader final : public Walker {
 public:
  BindingResultReader() : Walker(kShapes) {}
  std::string error;

 private:
  static constexpr Shape kShapes[] = {
      {"", Kind::Object, "", "v1.ExtenderBindingResult"},
      {".error", Kind::String, "ExtenderBindingResult.Error", "string"},
  };
  void on_string(std::string& value) override {
    if (at(".error")) error = std::move(value);
  }
};

}  // namespace

ExtenderFilterResult read_extender_filter_result(std::string_view text) {
  FilterResultReader reader;
  reader.read(text);
  return std::move(reader.result);
}

std::vector<HostPriority> read_host_priorities(std::string_view text) {
  PrioritiesReader reader;
  reader.read(text);
  return std::move(reader.result);
}

std::string read_extender_binding_result(std::string_view text) {
  BindingResultReader reader;
  reader.read(text);
  return std::move(reader.error);
}

}  // namespace ph::scheduler
