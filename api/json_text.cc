#include "api/json_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ph::api {

namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// A character as Go quotes it in an error.
std::string quoted(char c) {
  switch (c) {
    case '\'': return R"('\'')";
    case '"': return R"('"')";
    case '\\': return R"('\\')";
    case '\a': return R"('\a')";
    case '\b': return R"('\b')";
    case '\f': return R"('\f')";
    case '\n': return R"('\n')";
    case '\r': return R"('\r')";
    case '\t': return R"('\t')";
    case '\v': return R"('\v')";
    default: break;
  }
  const auto byte = static_cast<unsigned char>(c);
  if (byte < 0x20 || byte == 0x7f) return fmt::format(R"('\x{:02x}')", byte);
  if (byte < 0x80) return fmt::format("'{}'", c);
  // Go quotes the byte as the code point of that number.
  if (byte < 0xa1 || byte == 0xad) return fmt::format(R"('\u{:04x}')", byte);
  return fmt::format("'{}{}'", static_cast<char>(0xc0 | byte >> 6), static_cast<char>(0x80 | (byte & 0x3f)));
}

// Walks one JSON value without keeping anything of it. Iterative, so that depth costs no stack.
class Checker {
 public:
  Checker(std::string_view text, int depth_max) : text_(text), depth_max_(depth_max) {}

  std::string run() {
    if (!value()) return error_;
    space();
    if (at_ < text_.size()) fail("after top-level value");
    return error_;
  }

 private:
  bool fail(std::string_view context) {
    error_ =
        at_ < text_.size() ? fmt::format("invalid character {} {}", quoted(text_[at_]), context) : "unexpected end of JSON input";
    return false;
  }
  void space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  bool is(char c) const { return at_ < text_.size() && text_[at_] == c; }

  bool value() {
    for (;;) {
      space();
      if (is('{') || is('[')) {
        if (open_.size() >= static_cast<std::size_t>(depth_max_)) return error_ = "exceeded max depth", false;
        open_.push_back(text_[at_++]);
        space();
        if (is(open_.back() == '{' ? '}' : ']')) {
          ++at_;
          open_.pop_back();
        } else {
          if (open_.back() == '{' && !key("looking for beginning of object key string")) return false;
          continue;
        }
      } else if (!scalar()) {
        return false;
      }
      bool more = false;
      if (!after_value(more)) return false;
      if (!more) return true;
    }
  }

  // Commas and closing brackets, until another value begins.
  bool after_value(bool& more) {
    while (!open_.empty()) {
      space();
      const bool object = open_.back() == '{';
      if (is(',')) {
        ++at_;
        space();
        more = true;
        return !object || key("looking for beginning of object key string");
      }
      if (!is(object ? '}' : ']')) return fail(object ? "after object key:value pair" : "after array element");
      ++at_;
      open_.pop_back();
    }
    more = false;
    return true;
  }

  bool key(std::string_view context) {
    if (!is('"')) return fail(context);
    if (!string()) return false;
    space();
    if (!is(':')) return fail("after object key");
    ++at_;
    return true;
  }

  bool scalar() {
    if (is('"')) return string();
    if (is('t')) return word("true");
    if (is('f')) return word("false");
    if (is('n')) return word("null");
    if (is('-') || (at_ < text_.size() && is_digit(text_[at_]))) return number();
    return fail("looking for beginning of value");
  }

  bool word(std::string_view word) {
    for (std::size_t i = 0; i < word.size(); ++i, ++at_) {
      if (!is(word[i])) return fail(fmt::format("in literal {} (expecting '{}')", word, word[i]));
    }
    return true;
  }

  bool string() {
    ++at_;
    for (;; ++at_) {
      if (at_ >= text_.size() || static_cast<unsigned char>(text_[at_]) < 0x20) return fail("in string literal");
      if (is('"')) return ++at_, true;
      if (!is('\\')) continue;
      ++at_;
      if (is('u')) {
        for (int i = 0; i < 4; ++i) {
          ++at_;
          if (at_ >= text_.size() || !is_hex(text_[at_])) return fail("in \\u hexadecimal character escape");
        }
      } else if (at_ >= text_.size() || std::string_view("\"\\/bfnrt").find(text_[at_]) == std::string_view::npos) {
        return fail("in string escape code");
      }
    }
  }

  bool digits(std::string_view context) {
    if (at_ >= text_.size() || !is_digit(text_[at_])) return fail(context);
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    return true;
  }

  bool number() {
    if (is('-')) ++at_;
    if (is('0')) ++at_;
    else if (!digits("in numeric literal")) return false;
    if (is('.') && (++at_, !digits("after decimal point in numeric literal"))) return false;
    if (is('e') || is('E')) {
      ++at_;
      if (is('+') || is('-')) ++at_;
      return digits("in exponent of numeric literal");
    }
    return true;
  }

  std::string_view text_;
  int depth_max_;
  std::size_t at_ = 0;
  std::string open_;
  std::string error_;
};

// Bytes that stand for themselves in a string literal of ours.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (unsigned c = 0x20; c < 0x80; ++c) plain[c] = c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
  return plain;
}();

// Bytes that matter to who copies JSON.
constexpr std::array<bool, 256> kLookedAt = [] {
  std::array<bool, 256> looked_at{};
  for (const char c : std::string_view(" \t\r\n\"\\<>&\xe2")) looked_at[static_cast<unsigned char>(c)] = true;
  return looked_at;
}();

void append_hex(unsigned value, std::string& out) {
  static constexpr char kHex[] = "0123456789abcdef";
  out.append("\\u");
  for (int shift = 12; shift >= 0; shift -= 4) out.push_back(kHex[value >> shift & 0xf]);
}

// The bytes of U+2028 and U+2029, which break JavaScript.
bool is_line_separator(std::string_view text, std::size_t at) {
  return text.substr(at, 2) == "\xe2\x80" && at + 2 < text.size() && (text[at + 2] & ~1) == static_cast<char>(0xa8);
}

// One character that is not plain. Returns how many bytes it took.
std::size_t append_special(std::string_view text, std::size_t at, std::string& out) {
  const char c = text[at];
  switch (c) {
    case '"': out.append("\\\""); return 1;
    case '\\': out.append("\\\\"); return 1;
    case '\n': out.append("\\n"); return 1;
    case '\r': out.append("\\r"); return 1;
    case '\t': out.append("\\t"); return 1;
    case '\b': out.append("\\b"); return 1;
    case '\f': out.append("\\f"); return 1;
    default: break;
  }
  if (static_cast<unsigned char>(c) < 0x80) return append_hex(static_cast<unsigned char>(c), out), 1;
  const std::size_t length = utf8_length(text, at);
  if (length == 0) return append_hex(0xfffd, out), 1;
  if (is_line_separator(text, at)) return append_hex(0x2028u + (text[at + 2] & 1), out), 3;
  out.append(text.substr(at, length));
  return length;
}

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::array<signed char, 256> kBase64Value = [] {
  std::array<signed char, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < kBase64.size(); ++i) values[static_cast<unsigned char>(kBase64[i])] = static_cast<signed char>(i);
  return values;
}();

unsigned hex_value(char c) { return is_digit(c) ? static_cast<unsigned>(c - '0') : static_cast<unsigned>((c | 0x20) - 'a' + 10); }

// The code unit of a `\uXXXX` at `at`, or nothing.
int escaped_unit(std::string_view text, std::size_t at) {
  if (text.substr(at, 2) != "\\u" || at + 6 > text.size()) return -1;
  unsigned unit = 0;
  for (std::size_t i = at + 2; i < at + 6; ++i) {
    if (!is_hex(text[i])) return -1;
    unit = unit << 4 | hex_value(text[i]);
  }
  return static_cast<int>(unit);
}

}  // namespace

std::string_view json_type_name(const nlohmann::json& value) { return value.is_boolean() ? "bool" : value.type_name(); }

std::string json_syntax_error(std::string_view text, int depth_max) { return Checker(text, depth_max).run(); }

std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u; };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead < 0xe0) return tail(1) ? 2 : 0;
  if (lead >= 0xe0 && lead < 0xf0) {
    const bool overlong = lead == 0xe0 && byte(1) < 0xa0;
    const bool surrogate = lead == 0xed && byte(1) >= 0xa0;
    return tail(1) && tail(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (lead >= 0xf0 && lead < 0xf5) {
    const bool overlong = lead == 0xf0 && byte(1) < 0x90;
    const bool beyond = lead == 0xf4 && byte(1) >= 0x90;
    return tail(1) && tail(2) && tail(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    std::uint64_t eight = 0;
    if (text.size() - at >= sizeof eight) {
      std::memcpy(&eight, text.data() + at, sizeof eight);
      if ((eight & 0x8080808080808080) == 0) {
        at += sizeof eight;
        continue;
      }
    }
    const std::size_t length = utf8_length(text, at);
    if (!length) return false;
    at += length;
  }
  return true;
}

void append_json_string(std::string_view text, std::string& out) {
  out.push_back('"');
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t end = at;
    while (end < text.size() && kPlain[static_cast<unsigned char>(text[end])]) ++end;
    out.append(text.data() + at, end - at);
    at = end;
    if (at < text.size()) at += append_special(text, at, out);
  }
  out.push_back('"');
}

// Nothing to leave out or to escape. Without a branch for each byte.
static bool is_compact(std::string_view text) {
  bool compact = true;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    compact &= (byte > 0x20) & (byte != '<') & (byte != '>') & (byte != '&') & (byte != 0xe2);
  }
  return compact;
}

void append_compact_json(std::string_view text, bool escape, std::string& out) {
  // As nearly all are: what we have written ourselves.
  if (is_compact(text)) {
    out += text;
    return;
  }
  bool in_string = false;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && !kLookedAt[static_cast<unsigned char>(text[end])]) ++end;
    out.append(text.data() + at, end - at);
    if ((at = end) >= text.size()) return;
    const char c = text[at];
    if (escape && (c == '<' || c == '>' || c == '&')) {
      append_hex(static_cast<unsigned char>(c), out);
    } else if (escape && is_line_separator(text, at)) {
      append_hex(0x2028u + (text[at + 2] & 1), out);
      at += 2;
    } else if (in_string || !is_space(c)) {
      out.push_back(c);
      if (c == '"') in_string = !in_string;
      if (c == '\\' && at + 1 < text.size()) out.push_back(text[++at]);
    }
    ++at;
  }
}

// One of more digits before the point than it needs.
static void append_large_double(double value, std::string& out) {
  char buffer[64];
  const auto [end, error] = std::to_chars(buffer, std::end(buffer), value, std::chars_format::scientific);
  const std::string_view text(buffer, static_cast<std::size_t>(end - buffer));
  const auto e = text.find('e');
  std::size_t digits = 0;
  for (const char c : text.substr(0, e)) {
    if (c == '.') continue;
    out.push_back(c);
    digits += c != '-';
  }
  std::size_t wanted = 0;
  std::from_chars(text.data() + e + 2, text.data() + text.size(), wanted);
  out.append(std::max(wanted + 1, digits) - digits, '0');
}

void append_json_double(double value, std::string& out) {
  char buffer[512];
  const double size = std::fabs(value);
  const bool exponent = size != 0 && (size < 1e-6 || size >= 1e21);
  const auto format = exponent ? std::chars_format::scientific : std::chars_format::fixed;
  const auto [end, error] = std::to_chars(buffer, std::end(buffer), value, format);
  std::string_view text(buffer, static_cast<std::size_t>(end - buffer));
  // Where digits end before the point does, Go puts zeros; to_chars the digits of the exact value.
  constexpr double kAllDigits = 9007199254740992;  // 2^53
  if (!exponent && size >= kAllDigits) return append_large_double(value, out);
  // e-09 is e-9.
  const auto zero = text.find("e-0");
  out.append(text.substr(0, zero == std::string_view::npos ? text.size() : zero + 2));
  if (zero != std::string_view::npos) out.append(text.substr(zero + 3));
}

std::string indent_json(std::string_view compact, std::size_t spaces) {
  std::string out;
  out.reserve(compact.size() * 2);
  std::size_t depth = 0;
  const auto line = [&] { out.append("\n").append(depth * spaces, ' '); };
  bool in_string = false;
  for (std::size_t at = 0; at < compact.size(); ++at) {
    const char c = compact[at];
    if (in_string || c == '"') {
      out.push_back(c);
      if (in_string && c == '\\' && at + 1 < compact.size()) out.push_back(compact[++at]);
      else if (c == '"') in_string = !in_string;
    } else if (c == '{' || c == '[') {
      out.push_back(c);
      if (at + 1 < compact.size() && (compact[at + 1] == '}' || compact[at + 1] == ']')) {
        out.push_back(compact[++at]);
      } else {
        ++depth;
        line();
      }
    } else if (c == '}' || c == ']') {
      --depth;
      line();
      out.push_back(c);
    } else {
      out.push_back(c);
      if (c == ',') line();
      if (c == ':') out.push_back(' ');
    }
  }
  return out;
}

std::string mend_json(std::string_view text) {
  static constexpr std::string_view kReplacement = "\xef\xbf\xbd";
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] != '\\') {
      const std::size_t length = utf8_length(text, at);
      out.append(length ? text.substr(at, length) : kReplacement);
      at += length ? length : 1;
      continue;
    }
    const int unit = escaped_unit(text, at);
    if (unit < 0xd800 || unit > 0xdfff) {
      out.append(text.substr(at, 2));
      at += 2;
      continue;
    }
    const int next = escaped_unit(text, std::min(at + 6, text.size()));
    const bool pair = unit < 0xdc00 && next >= 0xdc00 && next <= 0xdfff;
    out.append(pair ? text.substr(at, 12) : kReplacement);
    at += pair ? 12 : 6;
  }
  return out;
}

nlohmann::json parse_written(const std::string& text) {
  nlohmann::json out = nlohmann::json::parse(text, nullptr, false);
  return out.is_discarded() ? nlohmann::json::parse(mend_json(text)) : out;
}

void append_base64(std::string_view bytes, std::string& out) {
  const auto byte = [&](std::size_t i) { return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0u; };
  out.reserve(out.size() + (bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const unsigned bits = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    out.push_back(kBase64[bits >> 18]);
    out.push_back(kBase64[bits >> 12 & 0x3f]);
    out.push_back(i + 1 < bytes.size() ? kBase64[bits >> 6 & 0x3f] : '=');
    out.push_back(i + 2 < bytes.size() ? kBase64[bits & 0x3f] : '=');
  }
}

std::string decode_base64(std::string_view text, std::string& out) {
  const auto corrupt = [](std::size_t at) { return fmt::format("illegal base64 data at input byte {}", at); };
  unsigned bits = 0;
  int count = 0;
  std::size_t at = 0;
  const auto skip_lines = [&] {
    while (at < text.size() && (text[at] == '\n' || text[at] == '\r')) ++at;
  };
  for (skip_lines(); at < text.size() && text[at] != '='; ++at, skip_lines()) {
    const int value = kBase64Value[static_cast<unsigned char>(text[at])];
    if (value < 0) return corrupt(at);
    bits = bits << 6 | static_cast<unsigned>(value);
    if (++count < 4) continue;
    out.push_back(static_cast<char>(bits >> 16));
    out.push_back(static_cast<char>(bits >> 8));
    out.push_back(static_cast<char>(bits));
    bits = 0;
    count = 0;
  }
  if (at >= text.size()) return count ? corrupt(text.size() - static_cast<std::size_t>(count)) : std::string();
  if (count < 2) return corrupt(at);
  ++at;
  skip_lines();
  if (count == 2) {
    if (at >= text.size()) return corrupt(text.size());
    if (text[at] != '=') return corrupt(at);
    ++at;
    skip_lines();
  }
  if (at < text.size()) return corrupt(at);
  out.push_back(static_cast<char>(count == 2 ? bits >> 4 : bits >> 10));
  if (count == 3) out.push_back(static_cast<char>(bits >> 2));
  return {};
}

}  // namespace ph::api
