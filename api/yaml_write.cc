// JSON documents as YAML text, laid out as kubectl prints it.
#include <yaml.h>

#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/json_text.h"
#include "api/yaml_scalar.h"

namespace ph::api {

namespace {

using Json = nlohmann::json;

unsigned char* bytes(const std::string& text) { return reinterpret_cast<unsigned char*>(const_cast<char*>(text.data())); }

// Old YAML readers take 1:20 for a number of base 60.
bool is_base_60(std::string_view text) {
  const bool signed_or_digit = !text.empty() && (text[0] == '+' || text[0] == '-' || (text[0] >= '0' && text[0] <= '9'));
  if (!signed_or_digit || text.find(':') == std::string_view::npos) return false;
  return text.find_first_not_of("+-0123456789_:.") == std::string_view::npos;
}

// Digits at `at`, which is moved behind them: between `least` and `most`, a number up to `max`.
bool read_number(std::string_view& at, std::size_t least, std::size_t most, int max) {
  std::size_t size = 0;
  int number = 0;
  while (size < at.size() && size < most && at[size] >= '0' && at[size] <= '9') number = number * 10 + (at[size++] - '0');
  if (size < least || number > max) return false;
  at.remove_prefix(size);
  return true;
}

bool skip(std::string_view& at, std::string_view any_of) {
  if (at.empty() || any_of.find(at[0]) == any_of.npos) return false;
  at.remove_prefix(1);
  return true;
}

// Readers take it for a moment: a day, a day and a time, a day and a time of a zone.
bool is_moment(std::string_view text) {
  if (!read_number(text, 4, 4, 9999) || !skip(text, "-") || !read_number(text, 1, 2, 12) || !skip(text, "-") ||
      !read_number(text, 1, 2, 31)) {
    return false;
  }
  if (text.empty()) return true;
  const bool zoned = text[0] != ' ';
  if (!skip(text, "Tt ") || !read_number(text, 1, 2, 23) || !skip(text, ":") || !read_number(text, 1, 2, 59) ||
      !skip(text, ":") || !read_number(text, 1, 2, 59)) {
    return false;
  }
  if (skip(text, ".") && !read_number(text, 1, 9, 999'999'999)) return false;
  if (!zoned || skip(text, "Z")) return text.empty();
  return skip(text, "+-") && read_number(text, 2, 2, 24) && skip(text, ":") && read_number(text, 2, 2, 60) && text.empty();
}

class YamlWriter {
 public:
  YamlWriter() {
    if (!yaml_emitter_initialize(&emitter_)) throw DecodeError("yaml: out of memory");
    yaml_emitter_set_output(&emitter_, &YamlWriter::receive, &out_);
    yaml_emitter_set_unicode(&emitter_, 1);
    yaml_emitter_set_width(&emitter_, -1);
  }
  YamlWriter(const YamlWriter&) = delete;
  ~YamlWriter() { yaml_emitter_delete(&emitter_); }

  std::string run(const Json& document) {
    yaml_event_t event;
    emit(yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING), event);
    emit(yaml_document_start_event_initialize(&event, nullptr, nullptr, nullptr, 1), event);
    write(document);
    emit(yaml_document_end_event_initialize(&event, 1), event);
    emit(yaml_stream_end_event_initialize(&event), event);
    return std::move(out_);
  }

 private:
  static int receive(void* out, unsigned char* buffer, std::size_t size) {
    static_cast<std::string*>(out)->append(reinterpret_cast<const char*>(buffer), size);
    return 1;
  }

  void emit(int made, yaml_event_t& event) {
    if (!made || !yaml_emitter_emit(&emitter_, &event)) throw DecodeError("yaml: cannot write the document");
  }

  void write(const Json& value) {
    yaml_event_t event;
    if (value.is_object()) {
      emit(yaml_mapping_start_event_initialize(&event, nullptr, nullptr, 1, YAML_BLOCK_MAPPING_STYLE), event);
      for (const auto& member : value.items()) {
        text(member.key());
        write(member.value());
      }
      emit(yaml_mapping_end_event_initialize(&event), event);
    } else if (value.is_array()) {
      emit(yaml_sequence_start_event_initialize(&event, nullptr, nullptr, 1, YAML_BLOCK_SEQUENCE_STYLE), event);
      for (const Json& item : value) write(item);
      emit(yaml_sequence_end_event_initialize(&event), event);
    } else if (value.is_string()) {
      text(value.get_ref<const std::string&>());
    } else if (value.is_number_float()) {
      std::string number;
      append_json_double(value.get<double>(), number);
      scalar(number, YAML_PLAIN_SCALAR_STYLE);
    } else {
      scalar(value.dump(), YAML_PLAIN_SCALAR_STYLE);
    }
  }

  // Quoted when, plain, it would read as something else than text.
  void text(const std::string& text) {
    if (!is_utf8(text))
      return this->text(Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace)).get<std::string>());
    const bool stays_text = std::holds_alternative<std::string>(resolve_yaml_scalar(text, {}, true)) && !is_base_60(text) &&
                            !is_moment(text) && text != "<<";
    if (!stays_text) return scalar(text, YAML_DOUBLE_QUOTED_SCALAR_STYLE);
    scalar(text, text.find('\n') != std::string::npos ? YAML_LITERAL_SCALAR_STYLE : YAML_PLAIN_SCALAR_STYLE);
  }

  void scalar(const std::string& text, yaml_scalar_style_t style) {
    yaml_event_t event;
    emit(yaml_scalar_event_initialize(&event, nullptr, nullptr, bytes(text), static_cast<int>(text.size()), 1, 1, style), event);
  }

  yaml_emitter_t emitter_{};
  std::string out_;
};

}  // namespace

std::string json_to_yaml(const nlohmann::json& document) { return YamlWriter().run(document); }

}  // namespace ph::api
