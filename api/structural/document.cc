#include "api/structural/document.h"

#include <charconv>
#include <unordered_set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/json_text.h"
#include "api/validation/quote.h"

namespace ph::api::structural {

using Json = nlohmann::json;

namespace {

// Builds the document and notices names that come again.
class Reader final : public nlohmann::json_sax<Json> {
 public:
  Reader(Json& out, bool watch) : out_(out), watch_(watch) {}
  std::vector<std::string> duplicates;

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<number_unsigned_t>(INT64_MAX)) return put(static_cast<double>(value));
    return put(static_cast<number_integer_t>(value));
  }
  bool number_float(number_float_t value, const string_t&) override { return put(value); }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t&) override { return false; }

  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    Level& level = levels_.back();
    level.name = std::move(name);
    // Seen, or twice seen: the place tells.
    if (level.value->contains(level.name)) complain();
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

 private:
  struct Level {
    Json* value;
    std::string name;       // of the member that comes
    std::size_t index = 0;  // of the item that comes
  };

  Json* add(Json value) {
    if (levels_.empty()) {
      out_ = std::move(value);
      return &out_;
    }
    Level& level = levels_.back();
    if (level.value->is_object()) return &((*level.value)[level.name] = std::move(value));
    ++level.index;
    return &level.value->emplace_back(std::move(value));
  }
  bool put(Json value) { return add(std::move(value)), true; }
  bool open(Json value) {
    levels_.push_back({add(std::move(value)), {}});
    return true;
  }
  bool close() { return levels_.pop_back(), true; }

  void complain() {
    static constexpr std::size_t kMax = 100;
    if (!watch_ || duplicates.size() >= kMax) return;
    std::string path;
    for (const Level& level : levels_) {
      if (level.value->is_array()) path += fmt::format("[{}]", level.index - 1);
      else path.append(path.empty() ? "" : ".").append(level.name);
    }
    std::string complaint = fmt::format("duplicate field \"{}\"", path);
    if (std::ranges::find(duplicates, complaint) == duplicates.end()) duplicates.push_back(std::move(complaint));
  }

  Json& out_;
  bool watch_;
  std::vector<Level> levels_;
};

}  // namespace

Json read_document(std::string_view text, const DecodeOptions& options) {
  if (const std::string why = json_syntax_error(text, options.depth_max); !why.empty()) throw DecodeError(why);
  Json out;
  Reader reader(out, options.unknown != Unknown::Ignore);
  if (!Json::sax_parse(mend_json(text), &reader)) throw DecodeError("invalid JSON");  // a number beyond all bounds
  if (!out.is_object())
    throw DecodeError(
        fmt::format("json: cannot unmarshal {} into Go value of type map[string]interface {{}}", json_type_name(out)));
  if (options.unknown == Unknown::Strict && !reader.duplicates.empty()) {
    throw DecodeError(fmt::format("strict decoding error: {}", fmt::join(reader.duplicates, ", ")));
  }
  if (options.warnings) std::ranges::move(reader.duplicates, std::back_inserter(*options.warnings));
  return out;
}

void check_depth(const Json& document, int depth_max) {
  if (!document.is_structured()) return;
  if (depth_max <= 0) throw DecodeError("exceeded max depth");
  for (const Json& inner : document) check_depth(inner, depth_max - 1);
}

void append_document(const Json& document, std::string& out) {
  switch (document.type()) {
    case Json::value_t::object: {
      char before = '{';
      for (const auto& [name, value] : document.items()) {
        out.push_back(before);
        before = ',';
        append_json_string(name, out);
        out.push_back(':');
        append_document(value, out);
      }
      out.append(before == '{' ? "{}" : "}");
      return;
    }
    case Json::value_t::array: {
      char before = '[';
      for (const Json& item : document) {
        out.push_back(before);
        before = ',';
        append_document(item, out);
      }
      out.append(before == '[' ? "[]" : "]");
      return;
    }
    case Json::value_t::string: return append_json_string(document.get_ref<const std::string&>(), out);
    case Json::value_t::number_float: return append_json_double(document.get<double>(), out);
    default: out.append(document.dump());
  }
}

std::string go_double(double value) {
  char buffer[64];
  const auto [end, error] = std::to_chars(buffer, std::end(buffer), value, std::chars_format::scientific);
  const std::string_view text(buffer, static_cast<std::size_t>(end - buffer));
  const auto at = text.find('e');
  int exponent = 0;
  const char* digits = text.data() + at + (at + 1 < text.size() && text[at + 1] == '+' ? 2 : 1);
  std::from_chars(digits, text.data() + text.size(), exponent);
  if (exponent >= -4 && exponent < 6) {
    const auto [fixed_end, fixed_error] = std::to_chars(buffer, std::end(buffer), value, std::chars_format::fixed);
    return std::string(buffer, fixed_end);
  }
  return std::string(text);
}

std::string plain_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) return go_double(value.get<double>());
  std::string out;
  append_document(value, out);
  return out;
}

std::string value_text(const Json& value) {
  return value.is_string() ? quote(value.get_ref<const std::string&>()) : plain_text(value);
}

}  // namespace ph::api::structural
