// Upstream: github.com/google/cel-go/parser
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "api/cel/ast.h"
#include "api/cel/functions.h"
#include "api/cel/lexer.h"

namespace ph::api::cel {

namespace {

constexpr int kDeepest = 250;
constexpr int kLongest = 200;  // of a chain of operators, or of members: each link makes the tree deeper

using Kind = Node::Kind;

NodePtr make(Kind kind) {
  auto out = std::make_unique<Node>();
  out->kind = kind;
  return out;
}

NodePtr constant(Value value) {
  NodePtr out = make(Kind::Constant);
  out->constant = std::move(value);
  return out;
}

bool is_type_name(std::string_view name) {
  static constexpr std::string_view kTypes[] = {"bool",
                                                "bytes",
                                                "double",
                                                "int",
                                                "list",
                                                "map",
                                                "null_type",
                                                "string",
                                                "type",
                                                "uint",
                                                "google.protobuf.Duration",
                                                "google.protobuf.Timestamp"};
  return std::ranges::find(kTypes, name) != std::end(kTypes);
}

struct MacroName {
  std::string_view name;
  Node::Macro macro;
  std::size_t args_least, args_most;
};
constexpr MacroName kMacros[] = {
    {"all", Node::Macro::All, 2, 2},
    {"exists", Node::Macro::Exists, 2, 2},
    {"exists_one", Node::Macro::ExistsOne, 2, 2},
    {"existsOne", Node::Macro::ExistsOne, 2, 2},
    {"map", Node::Macro::Map, 2, 3},
    {"filter", Node::Macro::Filter, 2, 2},
};

class Parser {
 public:
  Parser(std::string_view text, std::vector<std::string> variables) : lexer_(text), scope_(std::move(variables)) { advance(); }

  NodePtr run() {
    NodePtr out = expression();
    if (token_.kind != Token::Kind::End) unexpected();
    return out;
  }

 private:
  // -- Tokens

  void advance() { token_ = lexer_.next(); }
  bool is(std::string_view sign) const { return token_.kind == Token::Kind::Sign && token_.text == sign; }
  bool take(std::string_view sign) {
    if (!is(sign)) return false;
    advance();
    return true;
  }
  void need(std::string_view sign) {
    if (!take(sign)) unexpected();
  }
  std::string need_identifier() {
    if (token_.kind != Token::Kind::Identifier) unexpected();
    std::string out(token_.text);
    advance();
    return out;
  }
  [[noreturn]] void unexpected() const {
    lexer_.refuse(token_.at, token_.kind == Token::Kind::End ? "Syntax error: mismatched input '<EOF>'"
                                                             : fmt::format("Syntax error: extraneous input '{}'", token_.text));
  }
  [[noreturn]] void too_deep() const { lexer_.refuse(token_.at, "expression recursion limit exceeded"); }
  [[noreturn]] void undeclared(std::size_t at, std::string_view name) const {
    lexer_.refuse(at, fmt::format("undeclared reference to '{}' (in container '')", name));
  }

  // -- From the loosest operator to the tightest

  NodePtr expression() {
    const Deeper deeper(*this);
    NodePtr condition = either();
    if (!take("?")) return condition;
    NodePtr out = make(Kind::Conditional);
    out->children.push_back(std::move(condition));
    out->children.push_back(either());
    need(":");
    out->children.push_back(expression());
    return out;
  }

  NodePtr either() { return chain("||", Kind::Or, &Parser::both); }
  NodePtr both() { return chain("&&", Kind::And, &Parser::relation); }
  NodePtr chain(std::string_view sign, Kind kind, NodePtr (Parser::*tighter)()) {
    NodePtr first = (this->*tighter)();
    if (!is(sign)) return first;
    NodePtr out = make(kind);
    out->children.push_back(std::move(first));
    while (take(sign)) out->children.push_back((this->*tighter)());
    return out;
  }

  NodePtr relation() { return binary({"==", "!=", "<=", ">=", "<", ">", "in"}, &Parser::addition); }
  NodePtr addition() { return binary({"+", "-"}, &Parser::multiplication); }
  NodePtr multiplication() { return binary({"*", "/", "%"}, &Parser::unary); }

  NodePtr binary(std::initializer_list<std::string_view> operators, NodePtr (Parser::*tighter)()) {
    NodePtr left = (this->*tighter)();
    for (int links = 0;; ++links) {
      if (links > kLongest) too_deep();
      const bool is_word = token_.kind == Token::Kind::Identifier && token_.text == "in";
      if (token_.kind != Token::Kind::Sign && !is_word) return left;
      if (std::ranges::find(operators, token_.text) == operators.end()) return left;
      const Token sign = token_;
      advance();
      std::vector<NodePtr> args;
      args.push_back(std::move(left));
      args.push_back((this->*tighter)());
      left = call(sign.at, is_word ? "@in" : fmt::format("_{}_", sign.text), false, std::move(args));
    }
  }

  NodePtr unary() {
    const Deeper deeper(*this);
    const Token sign = token_;
    if (take("!")) return one("!_", sign, unary());
    if (!take("-")) return member(check_positive(primary()));
    // -9223372036854775808 is a number; without the sign it would be none.
    if (token_.kind == Token::Kind::Literal) {
      const Value value = token_.value;
      advance();
      if (const auto* i = value.as<std::int64_t>()) {
        return member(constant(static_cast<std::int64_t>(0 - static_cast<std::uint64_t>(*i))));
      }
      if (const auto* d = value.as<double>()) return member(constant(-*d));
      return one("-_", sign, member(constant(value)));
    }
    return one("-_", sign, unary());
  }
  NodePtr one(std::string_view name, const Token& sign, NodePtr operand) {
    std::vector<NodePtr> args;
    args.push_back(std::move(operand));
    return call(sign.at, name, false, std::move(args));
  }
  NodePtr check_positive(NodePtr node) const {
    const auto* i = node->kind == Kind::Constant ? node->constant.as<std::int64_t>() : nullptr;
    if (i && *i == INT64_MIN) lexer_.refuse(token_.at, "invalid int literal");
    return node;
  }

  // -- What follows a value

  NodePtr member(NodePtr target) {
    const Deeper deeper(*this);
    for (int links = 0;; ++links) {
      if (links > kLongest) too_deep();
      const bool optional_member = is(".?");
      if (optional_member || is(".")) {
        advance();
        target = selected(std::move(target), optional_member);
      } else if (is("[") || is("[?")) {
        const bool optional = is("[?");
        advance();
        target = pair(Kind::Index, std::move(target), expression());
        target->optional = optional;
        need("]");
      } else {
        return target;
      }
    }
  }

  NodePtr selected(NodePtr target, bool optional) {
    const std::size_t at = token_.at;
    std::string name = need_identifier();
    if (!optional && is("(")) return method(at, std::move(target), name);
    NodePtr out = make(Kind::Member);
    out->children.push_back(std::move(target));
    out->name = std::move(name);
    out->optional = optional;
    return out;
  }

  NodePtr method(std::size_t at, NodePtr target, const std::string& name) {
    need("(");
    const auto macro = std::ranges::find(kMacros, name, &MacroName::name);
    if (macro != std::end(kMacros) && token_.kind == Token::Kind::Identifier) return comprehension(at, std::move(target), *macro);
    std::vector<NodePtr> args = arguments(")");
    args.insert(args.begin(), std::move(target));
    return call(at, name, true, std::move(args));
  }

  NodePtr comprehension(std::size_t at, NodePtr target, const MacroName& macro) {
    NodePtr out = make(Kind::Comprehension);
    out->macro = macro.macro;
    out->name = need_identifier();
    out->children.push_back(std::move(target));
    scope_.push_back(out->name);
    while (take(",")) out->children.push_back(expression());
    scope_.pop_back();
    need(")");
    if (out->children.size() < macro.args_least || out->children.size() > macro.args_most) undeclared(at, macro.name);
    return out;
  }

  // -- Values

  NodePtr primary() {
    const Deeper deeper(*this);
    if (token_.kind == Token::Kind::Literal) {
      NodePtr out = constant(token_.value);
      advance();
      return out;
    }
    if (take("(")) {
      NodePtr out = expression();
      need(")");
      return out;
    }
    if (take("[")) return list();
    if (take("[?")) return list(true);
    if (take("{")) return map();
    take(".");
    return named();
  }

  NodePtr list(bool first_optional = false) {
    NodePtr out = make(Kind::List);
    for (bool optional = first_optional; !is("]"); optional = false) {
      optional |= take("?");
      out->children.push_back(expression());
      out->optionals.push_back(optional);
      if (!take(",")) break;
    }
    need("]");
    return out;
  }

  NodePtr map() {
    NodePtr out = make(Kind::Map);
    while (!is("}")) {
      out->optionals.push_back(take("?"));
      out->children.push_back(expression());
      need(":");
      out->children.push_back(expression());
      if (!take(",")) break;
    }
    need("}");
    return out;
  }

  NodePtr named() {
    const std::size_t at = token_.at;
    std::string name = need_identifier();
    if (name == "true" || name == "false") return constant(name == "true");
    if (name == "null") return constant(Null());
    const bool is_variable = std::ranges::find(scope_, name) != scope_.end();
    // optional.of(…), cel.bind(…): names with a dot.
    if (!is_variable && (name == "optional" || name == "cel") && take(".")) name += "." + need_identifier();
    if (!is_variable && name == "google") {
      for (int i = 0; i < 2 && take("."); ++i) name += "." + need_identifier();
    }
    if (is("(")) return function(at, name);
    if (is_variable) {
      NodePtr out = make(Kind::Variable);
      out->name = std::move(name);
      return out;
    }
    if (is_type_name(name)) return constant(Type{std::move(name)});
    undeclared(at, name);
  }

  NodePtr function(std::size_t at, const std::string& name) {
    need("(");
    if (name == "cel.bind") return bind();
    const std::size_t first = token_.at;
    std::vector<NodePtr> args = arguments(")");
    if (name == "duration" || name == "timestamp") return time(at, name, first, std::move(args));
    if (name != "has") return call(at, name, false, std::move(args));
    if (args.size() != 1 || args.front()->kind != Kind::Member) lexer_.refuse(at, "invalid argument to has() macro");
    args.front()->kind = Kind::Has;
    return std::move(args.front());
  }

  // Of a literal it is made now, and what is none is refused now.
  NodePtr time(std::size_t at, const std::string& name, std::size_t first, std::vector<NodePtr> args) {
    NodePtr out = call(at, name, false, std::move(args));
    const Node& of = *out->children.front();
    if (of.kind != Kind::Constant) return out;
    try {
      return constant(out->function->call(std::span(&of.constant, 1)));
    } catch (const Error&) {
      lexer_.refuse(first, fmt::format("invalid {} argument", name));
    }
  }

  NodePtr bind() {
    NodePtr out = make(Kind::Bind);
    out->name = need_identifier();
    need(",");
    out->children.push_back(expression());
    need(",");
    scope_.push_back(out->name);
    out->children.push_back(expression());
    scope_.pop_back();
    need(")");
    return out;
  }

  std::vector<NodePtr> arguments(std::string_view end) {
    std::vector<NodePtr> out;
    while (!is(end)) {
      out.push_back(expression());
      if (!take(",")) break;
    }
    need(end);
    return out;
  }

  NodePtr call(std::size_t at, std::string_view name, bool method, std::vector<NodePtr> args) {
    NodePtr out = make(Kind::Call);
    out->function = find_function(name, method, args.size());
    if (!out->function) {
      if (!is_function(name)) undeclared(at, name);
      lexer_.refuse(at, fmt::format("found no matching overload for '{}' applied to {} arguments", name, args.size()));
    }
    out->children = std::move(args);
    return out;
  }

  static NodePtr pair(Kind kind, NodePtr a, NodePtr b) {
    NodePtr out = make(kind);
    out->children.push_back(std::move(a));
    out->children.push_back(std::move(b));
    return out;
  }

  struct Deeper {
    explicit Deeper(Parser& parser) : parser(parser) {
      if (++parser.depth_ > kDeepest) parser.too_deep();
    }
    ~Deeper() { --parser.depth_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;
    Parser& parser;
  };

  Lexer lexer_;
  Token token_;
  std::vector<std::string> scope_;
  int depth_ = 0;
};

}  // namespace

NodePtr parse(std::string_view text, const std::vector<std::string>& variables) { return Parser(text, variables).run(); }

}  // namespace ph::api::cel
