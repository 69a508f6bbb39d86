#include "api/structural/json_path.h"

#include <charconv>
#include <cmath>
#include <optional>
#include <variant>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/structural/document.h"
#include "api/times.h"

namespace ph::api::structural {

using Json = nlohmann::json;

struct JsonPath::Step {
  enum Kind { Member, All, Deep, Slice, Union, Filter } kind = Member;
  std::string name;                            // Member
  std::optional<std::int64_t> from, to, step;  // Slice
  bool one = false;                            // … of a single index
  std::vector<JsonPath> paths;                 // Union: of each alternative
  // Filter: what is compared; a path from the item, or a literal.
  struct Operand {
    std::shared_ptr<const JsonPath> path;
    Json literal;
  };
  Operand left, right;
  std::string comparison;  // empty: the left one is there
};

JsonPath::JsonPath() = default;
JsonPath::JsonPath(const JsonPath&) = default;
JsonPath::JsonPath(JsonPath&&) noexcept = default;
JsonPath& JsonPath::operator=(const JsonPath&) = default;
JsonPath& JsonPath::operator=(JsonPath&&) noexcept = default;
JsonPath::~JsonPath() = default;

class JsonPathReader {
 public:
  explicit JsonPathReader(std::string_view text) : text_(text) {}

  JsonPath read() {
    if (starts("$") || starts("@")) at_ = 1;
    JsonPath out;
    while (at_ < text_.size()) out.steps_.push_back(step());
    return out;
  }

 private:
  using Step = JsonPath::Step;

  [[noreturn]] void fail(std::string_view what) const { throw DecodeError(fmt::format("{} in JSON path {}", what, text_)); }
  bool starts(std::string_view with) const { return text_.substr(at_).starts_with(with); }

  Step step() {
    static constexpr std::size_t kNestingMax = 16;
    if (depth_ > kNestingMax) fail("too deep nesting");
    Step out;
    if (starts("..")) {
      // What follows two dots is a step of its own; the second dot is its.
      ++at_;
      out.kind = Step::Deep;
      if (at_ + 1 < text_.size() && text_[at_ + 1] == '[') ++at_;
      return out;
    }
    if (starts("[")) return bracket();
    if (starts(".")) ++at_;
    if (starts("[")) return bracket();
    out.name = name();
    if (out.name == "*") out.kind = Step::All;
    return out;
  }

  std::string name() {
    std::string out;
    for (; at_ < text_.size() && std::string_view(".[]{}() \t").find(text_[at_]) == std::string_view::npos; ++at_) {
      if (text_[at_] == '\\' && ++at_ == text_.size()) fail("nothing after \\");
      out += text_[at_];
    }
    if (out.empty() && at_ < text_.size()) fail(fmt::format("unrecognized character '{}'", text_[at_]));
    return out;
  }

  // The text between brackets, which may hold quoted and bracketed texts itself.
  std::string_view inside() {
    const std::size_t from = ++at_;
    int depth = 1;
    char quote = 0;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (quote) {
        if (c == '\\') ++at_;
        else if (c == quote) quote = 0;
      } else if (c == '\'' || c == '"') {
        quote = c;
      } else if (c == '[') {
        ++depth;
      } else if (c == ']' && --depth == 0) {
        return text_.substr(from, at_++ - from);
      }
    }
    fail("unterminated array");
  }

  Step bracket() {
    const std::string_view content = trimmed(inside());
    Step out;
    if (content == "*") {
      out.kind = Step::All;
    } else if (content.starts_with("?(") && content.ends_with(")")) {
      filter(content.substr(2, content.size() - 3), out);
    } else if (const auto parts = split(content); parts.size() > 1) {
      out.kind = Step::Union;
      for (const std::string_view part : parts) out.paths.push_back(nested(fmt::format("[{}]", part)));
    } else if (content.starts_with('\'') || content.starts_with('"')) {
      out.name = literal(content).get<std::string>();
    } else {
      slice(content, out);
    }
    return out;
  }

  JsonPath nested(std::string_view text) const {
    JsonPathReader reader(text);
    reader.depth_ = depth_ + 1;
    return reader.read();
  }

  static std::string_view trimmed(std::string_view text) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    return text;
  }

  // At commas that are in no quotes and no brackets.
  static std::vector<std::string_view> split(std::string_view text) {
    std::vector<std::string_view> out;
    std::size_t from = 0;
    char quote = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (quote) {
        if (text[i] == '\\') ++i;
        else if (text[i] == quote) quote = 0;
      } else if (text[i] == '\'' || text[i] == '"') {
        quote = text[i];
      } else if (text[i] == ',') {
        out.push_back(trimmed(text.substr(from, i - from)));
        from = i + 1;
      }
    }
    out.push_back(trimmed(text.substr(from)));
    return out;
  }

  Json literal(std::string_view text) const {
    if (text == "true" || text == "false") return text == "true";
    if (text.starts_with('\'') || text.starts_with('"')) {
      const char quote = text.front();
      if (text.size() < 2 || text.back() != quote) fail("unterminated quoted string");
      std::string out;
      for (std::size_t i = 1; i + 1 < text.size(); ++i) {
        if (text[i] == '\\' && i + 2 < text.size()) ++i;
        out += text[i];
      }
      return out;
    }
    std::int64_t whole = 0;
    const char* const end = text.data() + text.size();
    if (const auto [at, error] = std::from_chars(text.data(), end, whole); error == std::errc() && at == end) return whole;
    double number = 0;
    if (const auto [at, error] = std::from_chars(text.data(), end, number); error == std::errc() && at == end) return number;
    fail(fmt::format("unrecognized value {}", text));
  }

  Step::Operand operand(std::string_view text) const {
    text = trimmed(text);
    if (text.starts_with('@') || text.starts_with('.') || text.starts_with('$'))
      return {std::make_shared<const JsonPath>(nested(text)), {}};
    return {nullptr, literal(text)};
  }

  void filter(std::string_view text, Step& out) const {
    out.kind = Step::Filter;
    char quote = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (quote) {
        if (text[i] == '\\') ++i;
        else if (text[i] == quote) quote = 0;
        continue;
      }
      if (text[i] == '\'' || text[i] == '"') quote = text[i];
      for (const std::string_view comparison : {"==", "!=", "<=", ">=", "<", ">"}) {
        if (!text.substr(i).starts_with(comparison)) continue;
        out.left = operand(text.substr(0, i));
        out.comparison = comparison;
        out.right = operand(text.substr(i + comparison.size()));
        return;
      }
    }
    out.left = operand(text);
  }

  std::optional<std::int64_t> number(std::string_view text) const {
    text = trimmed(text);
    if (text.empty()) return std::nullopt;
    const Json out = literal(text);
    if (!out.is_number_integer()) fail(fmt::format("invalid array index {}", text));
    return out.get<std::int64_t>();
  }

  void slice(std::string_view text, Step& out) const {
    out.kind = Step::Slice;
    const auto first = text.find(':');
    out.one = first == text.npos;
    if (out.one) {
      out.from = number(text);
      if (!out.from) fail("invalid array index");
      return;
    }
    const auto second = text.find(':', first + 1);
    out.from = number(text.substr(0, first));
    out.to = number(text.substr(first + 1, second == text.npos ? text.npos : second - first - 1));
    if (second != text.npos) out.step = number(text.substr(second + 1));
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
};

JsonPath JsonPath::parse(std::string_view text) { return JsonPathReader(text).read(); }

bool JsonPath::of_metadata() const { return !steps_.empty() && steps_[0].kind == Step::Member && steps_[0].name == "metadata"; }

namespace {

using Found = std::vector<const Json*>;
constexpr std::size_t kFoundMax = 10'000;

void all_of(const Json& value, Found& out) {
  if (value.is_object() || value.is_array()) {
    for (const Json& inner : value) out.push_back(&inner);
  }
}

void deep_of(const Json& value, Found& out) {
  if (out.size() >= kFoundMax) return;
  out.push_back(&value);
  if (value.is_object() || value.is_array()) {
    for (const Json& inner : value) deep_of(inner, out);
  }
}

void slice_of(const Json& value, const JsonPath::Step& step, Found& out) {
  if (!value.is_array()) return;
  const auto size = static_cast<std::int64_t>(value.size());
  const auto placed = [size](std::int64_t at) { return at < 0 ? at + size : at; };
  const std::int64_t from = placed(step.from.value_or(0)), stride = step.step.value_or(1);
  // What is out of bounds is asked for in vain, and a step backwards goes nowhere.
  if (from < 0 || from >= size || stride <= 0) return;
  const std::int64_t to = step.one ? from + 1 : step.to ? placed(*step.to) : size;
  if (to > size) return;
  for (std::int64_t i = from; i < to; i += std::min(stride, size)) out.push_back(&value[static_cast<std::size_t>(i)]);
}

bool compares(const Json& left, const std::string& comparison, const Json& right) {
  const bool comparable = (left.is_number() && right.is_number()) || left.type() == right.type();
  if (!comparable || left.is_structured()) return comparison == "!=" && !left.is_structured();
  if (comparison == "==") return left == right;
  if (comparison == "!=") return left != right;
  if (comparison == "<") return left < right;
  if (comparison == "<=") return left <= right;
  if (comparison == ">") return left > right;
  return left >= right;
}

bool passes(const Json& item, const JsonPath::Step& step) {
  const auto values = [&item](const JsonPath::Step::Operand& operand) {
    return operand.path ? operand.path->find(item) : Found{&operand.literal};
  };
  const Found left = values(step.left);
  if (step.comparison.empty()) return !left.empty();
  const Found right = values(step.right);
  // Several values of one operand cannot be compared.
  return left.size() == 1 && right.size() == 1 && compares(*left[0], step.comparison, *right[0]);
}

void follow(const JsonPath::Step& step, const Json& value, Found& out) {
  switch (step.kind) {
    case JsonPath::Step::Member:
      if (step.name.empty()) return out.push_back(&value);
      if (!value.is_object()) return;
      if (const auto found = value.find(step.name); found != value.end()) out.push_back(&*found);
      return;
    case JsonPath::Step::All: return all_of(value, out);
    case JsonPath::Step::Deep: return deep_of(value, out);
    case JsonPath::Step::Slice: return slice_of(value, step, out);
    case JsonPath::Step::Union:
      for (const JsonPath& path : step.paths) std::ranges::copy(path.find(value), std::back_inserter(out));
      return;
    case JsonPath::Step::Filter:
      if (!value.is_array()) return;
      for (const Json& item : value) {
        if (passes(item, step)) out.push_back(&item);
      }
  }
}

}  // namespace

std::vector<const Json*> JsonPath::find(const Json& document, const Json* metadata) const {
  Found found{&document};
  std::size_t first = 0;
  if (metadata && of_metadata()) {
    found = {metadata};
    first = 1;
  }
  for (std::size_t i = first; i < steps_.size(); ++i) {
    Found next;
    for (const Json* value : found) {
      if (next.size() < kFoundMax) follow(steps_[i], *value, next);
    }
    found = std::move(next);
  }
  return found;
}

namespace {

Json age_of(const Json& value, Time now) {
  if (!value.is_string()) return nullptr;
  const std::string& text = value.get_ref<const std::string&>();
  if (text.empty() || text == "null") return "<unknown>";
  const auto instant = parse_instant(text);
  return instant ? Json(human_duration(now - to_time(*instant))) : Json("<invalid>");
}

}  // namespace

Json table_cell(std::string_view column_type, const JsonPath& path, const Json& document, const Json* metadata, Time now) {
  const Found found = path.find(document, metadata);
  if (found.empty()) return nullptr;
  const Json& value = *found[0];
  if (column_type == "string") return value.is_null() ? "<no value>" : plain_text(value);
  if (column_type == "integer" && value.is_number_integer()) return value;
  if (column_type == "integer" && value.is_number_float() && std::fabs(value.get<double>()) < 9.2e18)
    return static_cast<std::int64_t>(value.get<double>());
  if (column_type == "number" && value.is_number()) return value.get<double>();
  if (column_type == "boolean" && value.is_boolean()) return value;
  if (column_type == "date") return age_of(value, now);
  return nullptr;
}

std::string selectable_text(const JsonPath& path, const Json& document) {
  const Found found = path.find(document);
  if (found.empty() || !found[0]->is_primitive() || found[0]->is_null()) return {};
  return plain_text(*found[0]);
}

}  // namespace ph::api::structural
