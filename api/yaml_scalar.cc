#include "api/yaml_scalar.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "api/codec.h"
#include "api/json_text.h"

namespace ph::api {

namespace {

template <std::size_t N>
bool is_one_of(std::string_view text, const std::string_view (&words)[N]) {
  return std::ranges::find(words, text) != std::end(words);
}

constexpr std::string_view kNull[] = {"", "~", "null", "Null", "NULL"};
constexpr std::string_view kTrue[] = {"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"};
constexpr std::string_view kFalse[] = {"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"};
constexpr std::string_view kNan[] = {".nan", ".NaN", ".NAN"};
constexpr std::string_view kInfinity[] = {".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"};
constexpr std::string_view kMinusInfinity[] = {"-.inf", "-.Inf", "-.INF"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The base a number's prefix says, which is taken off: 0x, 0o, 0b, or 0 alone for octal.
int take_base(std::string_view& digits) {
  if (digits.size() < 2 || digits[0] != '0') return 10;
  const char letter = static_cast<char>(digits[1] | 0x20);
  const int base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
  digits.remove_prefix(base ? 2 : 1);
  return base ? base : 8;
}

std::optional<YamlScalar> integer(std::string_view text) {
  std::string_view digits = text;
  const bool minus = digits.starts_with('-');
  if (minus || digits.starts_with('+')) digits.remove_prefix(1);
  const int base = take_base(digits);
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size, base);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  const std::uint64_t limit = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) + minus;
  if (size <= limit) return static_cast<std::int64_t>(minus ? -size : size);
  if (minus || text.starts_with('+')) return std::nullopt;
  return size;
}

// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
bool looks_like_float(std::string_view text) {
  const auto digits = [&] {
    std::size_t count = 0;
    while (!text.empty() && is_digit(text[0])) text.remove_prefix(1), ++count;
    return count;
  };
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  const std::size_t whole = digits();
  std::size_t fraction = 0;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    fraction = digits();
  }
  if (!whole && !fraction) return false;
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    if (!digits()) return false;
  }
  return text.empty();
}

std::optional<double> floating(std::string_view text) {
  if (!looks_like_float(text)) return std::nullopt;
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range) return std::nullopt;
  return value;
}

// A plain scalar by its looks. Dates look like nothing here, and stay text.
YamlScalar by_looks(std::string_view text) {
  if (is_one_of(text, kNull)) return std::monostate();
  if (is_one_of(text, kTrue)) return true;
  if (is_one_of(text, kFalse)) return false;
  if (is_one_of(text, kNan)) return std::numeric_limits<double>::quiet_NaN();
  if (is_one_of(text, kInfinity)) return std::numeric_limits<double>::infinity();
  if (is_one_of(text, kMinusInfinity)) return -std::numeric_limits<double>::infinity();
  if (!is_digit(text[0]) && text[0] != '+' && text[0] != '-' && text[0] != '.') return std::string(text);
  std::string plain(text);
  if (text[0] != '.') std::erase(plain, '_');
  if (auto number = integer(plain)) return *number;
  if (auto number = floating(plain)) return *number;
  return std::string(text);
}

std::string_view type_name(const YamlScalar& scalar) {
  static constexpr std::string_view kNames[] = {"!!null", "!!bool", "!!int", "!!int", "!!float", "!!str"};
  return kNames[scalar.index()];
}

}  // namespace

YamlScalar resolve_yaml_scalar(std::string_view text, std::string_view tag, bool plain) {
  static constexpr std::string_view kStandard = "tag:yaml.org,2002:";
  if (tag.empty()) return plain ? by_looks(text) : YamlScalar(std::string(text));
  if (!tag.starts_with(kStandard)) return std::string(text);
  const std::string_view type = tag.substr(kStandard.size());
  if (type == "binary") {
    std::string bytes;
    if (!decode_base64(text, bytes).empty()) throw DecodeError("yaml: !!binary value contains invalid base64 data");
    return bytes;
  }
  const bool resolvable = type == "null" || type == "bool" || type == "int" || type == "float";
  if (!resolvable) return std::string(text);
  YamlScalar value = by_looks(text);
  if (type_name(value).substr(2) == type) return value;
  if (type == "float") {
    if (const auto* number = std::get_if<std::int64_t>(&value)) return static_cast<double>(*number);
    if (const auto* number = std::get_if<std::uint64_t>(&value)) return static_cast<double>(*number);
  }
  throw DecodeError(fmt::format("yaml: cannot decode {} `{}` as a !!{}", type_name(value), text, type));
}

void append_yaml_scalar(const YamlScalar& scalar, std::string& out) {
  struct Append {
    std::string& out;
    void operator()(std::monostate) const { out.append("null"); }
    void operator()(bool value) const { out.append(value ? "true" : "false"); }
    void operator()(std::int64_t value) const { out.append(std::to_string(value)); }
    void operator()(std::uint64_t value) const { out.append(std::to_string(value)); }
    void operator()(double value) const {
      if (std::isnan(value)) throw DecodeError("json: unsupported value: NaN");
      if (std::isinf(value)) throw DecodeError(value < 0 ? "json: unsupported value: -Inf" : "json: unsupported value: +Inf");
      append_json_double(value, out);
    }
    void operator()(const std::string& value) const { append_json_string(value, out); }
  };
  std::visit(Append{out}, scalar);
}

std::string yaml_key(const YamlScalar& scalar) {
  if (const auto* text = std::get_if<std::string>(&scalar)) return *text;
  if (std::holds_alternative<std::monostate>(scalar)) throw DecodeError("unsupported map key of type: <nil>, key: <nil>");
  if (const auto* number = std::get_if<double>(&scalar)) {
    if (std::isnan(*number)) return ".nan";
    if (std::isinf(*number)) return *number < 0 ? "-.inf" : ".inf";
    return fmt::format("{}", static_cast<float>(*number));
  }
  std::string out;
  append_yaml_scalar(scalar, out);
  return out;
}

}  // namespace ph::api
