// The syntax tree of a CEL expression.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/cel/value.h"

namespace ph::api::cel {

struct Function;  // functions.h

struct Node {
  enum class Kind {
    Constant,
    Variable,  // `name`
    Member,    // children[0].name; `optional`: .?name
    Has,       // has(children[0].name)
    Index,     // children[0][children[1]]; `optional`: [?…]
    List,      // children; `optionals` are left out when they are none
    Map,       // children: key, value, key, value, …
    Call,      // function(children…): functions, methods (the target goes first) and operators
    And,       // of all children
    Or,
    Conditional,    // children[0] ? children[1] : children[2]
    Comprehension,  // children[0].macro(name, children[1], children[2])
    Bind,           // cel.bind(name, children[0], children[1])
  } kind;
  enum class Macro { All, Exists, ExistsOne, Map, Filter };

  Value constant;
  std::string name;
  std::vector<std::unique_ptr<Node>> children;
  std::vector<bool> optionals;  // of List and Map: which elements are
  const Function* function = nullptr;
  Macro macro = Macro::All;
  bool optional = false;
};

using NodePtr = std::unique_ptr<Node>;

// Throws Error.
NodePtr parse(std::string_view text, const std::vector<std::string>& variables);

}  // namespace ph::api::cel
