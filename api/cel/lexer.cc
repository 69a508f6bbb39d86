#include "api/cel/lexer.h"

#include <array>
#include <cctype>
#include <charconv>

#include <fmt/format.h>

namespace ph::api::cel {

namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The longest first.
constexpr std::array<std::string_view, 26> kSigns{"&&", "||", "==", "!=", "<=", ">=", ".?", "[?", "+", "-", "*", "/", "%",
                                                  "!",  "<",  ">",  "(",  ")",  "[",  "]",  "{",  "}", ".", ",", "?", ":"};

void append_utf8(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out.push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out.push_back(static_cast<char>(0xc0 | code >> 6));
    out.push_back(static_cast<char>(0x80 | (code & 0x3f)));
  } else if (code < 0x10000) {
    out.push_back(static_cast<char>(0xe0 | code >> 12));
    out.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3f)));
    out.push_back(static_cast<char>(0x80 | (code & 0x3f)));
  } else {
    out.push_back(static_cast<char>(0xf0 | code >> 18));
    out.push_back(static_cast<char>(0x80 | (code >> 12 & 0x3f)));
    out.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3f)));
    out.push_back(static_cast<char>(0x80 | (code & 0x3f)));
  }
}

}  // namespace

void Lexer::refuse(std::size_t at, std::string_view why) const {
  std::size_t line = 1, column = 1;
  for (std::size_t i = 0; i < at && i < text_.size(); ++i) {
    column = text_[i] == '\n' ? 1 : column + 1;
    line += text_[i] == '\n';
  }
  throw Error(fmt::format("ERROR: <input>:{}:{}: {}", line, column, why));
}

void Lexer::skip_space() {
  for (;;) {
    while (at_ < text_.size() && std::string_view(" \t\r\n\f").find(text_[at_]) != std::string_view::npos) ++at_;
    if (!starts_with("//")) return;
    while (at_ < text_.size() && text_[at_] != '\n') ++at_;
  }
}

Token Lexer::next() {
  skip_space();
  Token out;
  out.at = at_;
  if (at_ >= text_.size()) return out;
  const char c = peek();
  // Prefixes of strings, in either order.
  std::size_t prefix = 0;
  bool raw = false, bytes = false;
  while (prefix < 2 && std::string_view("rRbB").find(peek(prefix)) != std::string_view::npos && peek(prefix) != '\0') {
    (std::tolower(peek(prefix)) == 'r' ? raw : bytes) = true;
    ++prefix;
  }
  if (peek(prefix) == '"' || peek(prefix) == '\'') {
    at_ += prefix;
    out.kind = Token::Kind::Literal;
    out.value = string(raw, bytes);
  } else if (is_letter(c)) {
    while (is_letter(peek()) || is_digit(peek())) ++at_;
    out.kind = Token::Kind::Identifier;
    out.text = text_.substr(out.at, at_ - out.at);
  } else if (is_digit(c) || (c == '.' && is_digit(peek(1)))) {
    out.kind = Token::Kind::Literal;
    out.value = number();
  } else {
    out.kind = Token::Kind::Sign;
    for (const std::string_view sign : kSigns) {
      if (!starts_with(sign)) continue;
      out.text = sign;
      break;
    }
    if (out.text.empty()) refuse(at_, fmt::format("Syntax error: token recognition error at: '{}'", c));
    at_ += out.text.size();
  }
  return out;
}

Value Lexer::number() {
  const std::size_t begin = at_;
  const bool hex = starts_with("0x") || starts_with("0X");
  if (hex) at_ += 2;
  bool real = false;
  while (is_digit(peek()) || (hex && std::isxdigit(static_cast<unsigned char>(peek())))) ++at_;
  if (!hex && peek() == '.' && is_digit(peek(1))) {
    real = true;
    for (++at_; is_digit(peek());) ++at_;
  }
  const std::size_t sign = peek(1) == '+' || peek(1) == '-' ? 1 : 0;
  if (!hex && (peek() == 'e' || peek() == 'E') && is_digit(peek(1 + sign))) {
    real = true;
    for (at_ += 1 + sign; is_digit(peek());) ++at_;
  }
  const std::string_view all = text_.substr(begin, at_ - begin), digits = hex ? all.substr(2) : all;
  const char *from = digits.data(), *to = digits.data() + digits.size();
  if (real) {
    double value = 0;
    std::from_chars(from, to, value);
    return value;
  }
  std::uint64_t value = 0;
  if (digits.empty() || std::from_chars(from, to, value, hex ? 16 : 10).ec != std::errc()) refuse(begin, "invalid int literal");
  if (peek() == 'u' || peek() == 'U') {
    ++at_;
    return value;
  }
  // One more than the greatest is let through for the sake of its negative.
  if (value > std::uint64_t{1} << 63) refuse(begin, "invalid int literal");
  return static_cast<std::int64_t>(value);
}

Value Lexer::string(bool raw, bool bytes) {
  const std::size_t begin = at_;
  const char quote = peek();
  const std::string thrice(3, quote);
  const bool is_long = starts_with(thrice);
  const std::string end = is_long ? thrice : std::string(1, quote);
  at_ += end.size();
  std::string out;
  while (!starts_with(end)) {
    if (at_ >= text_.size() || (!is_long && (peek() == '\n' || peek() == '\r'))) {
      refuse(begin, "Syntax error: a string without an end");
    }
    if (peek() == '\\' && !raw) {
      ++at_;
      escape(out, bytes);
    } else {
      out.push_back(text_[at_++]);
    }
  }
  at_ += end.size();
  if (bytes) return Bytes{std::move(out)};
  return out;
}

std::uint32_t Lexer::digits(std::size_t count, unsigned base) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const char c = peek();
    const unsigned digit = is_digit(c) ? static_cast<unsigned>(c - '0')
                           : std::isxdigit(static_cast<unsigned char>(c))
                               ? static_cast<unsigned>(std::tolower(static_cast<unsigned char>(c)) - 'a' + 10)
                               : base;
    if (digit >= base) refuse(at_, "Syntax error: an escape that means nothing");
    value = value * base + digit;
    ++at_;
  }
  return value;
}

void Lexer::escape(std::string& out, bool bytes) {
  constexpr std::string_view kNames = "abfnrtv\\'\"`?", kMeanings = "\a\b\f\n\r\t\v\\'\"`?";
  const std::size_t at = at_;
  const char c = peek();
  if (const auto found = kNames.find(c); found != kNames.npos && c != '\0') {
    ++at_;
    return out.push_back(kMeanings[found]);
  }
  std::uint32_t code = 0;
  if (c == 'x' || c == 'X' || c == 'u' || c == 'U') {
    ++at_;
    code = digits(c == 'u' ? 4 : c == 'U' ? 8 : 2, 16);
  } else {
    code = digits(3, 8);
  }
  const bool is_byte = c != 'u' && c != 'U';
  if (code > 0x10ffff || (is_byte && code > 0xff) || (code >= 0xd800 && code < 0xe000)) {
    refuse(at, "Syntax error: an escape that means nothing");
  }
  if (bytes && is_byte) return out.push_back(static_cast<char>(code));
  append_utf8(out, code);
}

}  // namespace ph::api::cel
