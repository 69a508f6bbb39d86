// The tokens of a CEL expression.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "api/cel/value.h"

namespace ph::api::cel {

struct Token {
  enum class Kind { End, Identifier, Literal, Sign } kind = Kind::End;
  std::string_view text;  // of identifiers and signs
  Value value;            // of literals
  std::size_t at = 0;     // where it begins
};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}
  // Throws Error.
  Token next();
  [[noreturn]] void refuse(std::size_t at, std::string_view why) const;

 private:
  bool starts_with(std::string_view what) const { return text_.substr(at_).starts_with(what); }
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  void skip_space();
  Value number();
  Value string(bool raw, bool bytes);
  void escape(std::string& out, bool bytes);
  std::uint32_t digits(std::size_t count, unsigned base);

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace ph::api::cel
