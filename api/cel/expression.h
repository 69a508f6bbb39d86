// Expression: a compiled CEL expression. The language of the specification but for messages, its macros and optionals, strings'
// functions, quantities and semantic versions of Kubernetes. What it does not know is refused when it is compiled.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/cel/value.h"

namespace ph::api::cel {

struct Node;  // ast.h

using Variables = std::map<std::string, Value, std::less<>>;

class Expression {
 public:
  // `variables`: the names that the expression may use. Throws Error, which says where and why.
  static Expression compile(std::string_view text, std::span<const std::string_view> variables);
  // All variables must be given. Throws Error: a key that is not there, an overflow, an operation on the wrong types, or more work
  // than is allowed.
  Value evaluate(const Variables& variables) const;

  // Whether it looks at that member of that variable by its name.
  bool mentions(std::string_view variable, std::string_view member) const;

  ~Expression();
  Expression(Expression&&) noexcept;
  Expression& operator=(Expression&&) noexcept;

 private:
  explicit Expression(std::unique_ptr<const Node> root);
  std::unique_ptr<const Node> root_;
};

}  // namespace ph::api::cel
