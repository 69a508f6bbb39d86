// Upstream: github.com/google/cel-go/interpreter
#include <optional>

#include <fmt/format.h>

#include "api/cel/ast.h"
#include "api/cel/expression.h"
#include "api/cel/functions.h"

namespace ph::api::cel {

namespace {

constexpr std::size_t kMostSteps = 1'000'000;
constexpr std::size_t kLongestText = 10 * 1024;  // of an expression, as the API allows it

// How a key is shown.
std::string text_of(const Value& key) {
  if (const auto* s = key.as<std::string>()) return *s;
  if (const auto* i = key.as<std::int64_t>()) return std::to_string(*i);
  if (const auto* u = key.as<std::uint64_t>()) return std::to_string(*u);
  if (const auto* b = key.as<bool>()) return *b ? "true" : "false";
  return std::string(key.type_name());
}

class Evaluator {
 public:
  explicit Evaluator(const Variables& variables) : variables_(variables) {}

  Value of(const Node& node) {
    charge(1);
    using enum Node::Kind;
    switch (node.kind) {
      case Constant: return node.constant;
      case Variable: return variable(node.name);
      case Member: return member(node);
      case Has: return has(node);
      case Index: return indexed(node);
      case List: return list(node);
      case Map: return map(node);
      case Call: return call(node);
      case And: return junction(node, false);
      case Or: return junction(node, true);
      case Conditional: return of(*node.children[boolean(of(*node.children[0]), "_?_:_") ? 1 : 2]);
      case Comprehension: return comprehension(node);
      case Bind: {
        const Local local(*this, node.name, of(*node.children[0]));
        return of(*node.children[1]);
      }
    }
    throw Error("unknown expression");
  }

 private:
  // A name that exists within an expression.
  struct Local {
    Local(Evaluator& evaluator, std::string_view name, Value value) : evaluator(evaluator) {
      evaluator.locals_.emplace_back(name, std::move(value));
    }
    ~Local() { evaluator.locals_.pop_back(); }
    Local(const Local&) = delete;
    Local& operator=(const Local&) = delete;
    Evaluator& evaluator;
  };

  void charge(std::size_t steps) {
    steps_ += steps;
    if (steps_ > kMostSteps) throw Error("operation cancelled: actual cost limit exceeded");
  }
  // What is large takes longer.
  void charge_for(const Value& value) {
    constexpr std::size_t kBytesAStep = 64;
    if (const auto* text = value.as<std::string>()) charge(text->size() / kBytesAStep);
    if (const auto* bytes = value.as<Bytes>()) charge(bytes->data.size() / kBytesAStep);
    if (const cel::List* list = value.as_list()) charge(list->size());
    if (const cel::Map* map = value.as_map()) charge(map->entries.size());
  }

  static bool boolean(const Value& value, std::string_view name) {
    if (const bool* b = value.as<bool>()) return *b;
    no_such_overload(name, std::span(&value, 1));
  }

  Value variable(const std::string& name) const {
    for (auto local = locals_.rbegin(); local != locals_.rend(); ++local) {
      if (local->first == name) return local->second;
    }
    const auto found = variables_.find(name);
    if (found == variables_.end()) throw Error(fmt::format("no such attribute(s): {}", name));
    return found->second;
  }

  // -- Members

  // Nothing: there is no such key.
  static std::optional<Value> looked_up(const Value& target, const Value& key) {
    if (const cel::Map* map = target.as_map()) {
      if (const Value* found = map->find(key)) return *found;
      return map->otherwise;
    }
    if (const cel::List* list = target.as_list()) {
      const auto* i = key.as<std::int64_t>();
      const auto* u = key.as<std::uint64_t>();
      const auto* d = key.as<double>();
      if (!i && !u && !d) throw Error(fmt::format("unsupported index type '{}' in list", key.type_name()));
      for (std::size_t at = 0; d && at < list->size(); ++at) {
        if (static_cast<double>(at) == *d) return (*list)[at];
      }
      if (d) return std::nullopt;
      const std::uint64_t at = i ? static_cast<std::uint64_t>(*i) : *u;
      if ((i && *i < 0) || at >= list->size()) return std::nullopt;
      return (*list)[at];
    }
    const Value args[] = {target, key};
    no_such_overload("_[_]", args);
  }

  // A selection from an optional gives an optional, and from none gives none.
  Value selected(const Value& target, const Value& key, bool optional) const {
    const cel::Optional* of = target.as_optional();
    if (of && !of->value) return Value::none();
    const Value& from = of ? *of->value : target;
    std::optional<Value> found = looked_up(from, key);
    if (of || optional) return found ? Value::some(*std::move(found)) : Value::none();
    if (found) return *std::move(found);
    throw Error(from.as_list() ? fmt::format("index out of bounds: {}", text_of(key))
                               : fmt::format("no such key: {}", text_of(key)));
  }

  Value member(const Node& node) { return selected(of(*node.children[0]), Value(node.name), node.optional); }
  Value indexed(const Node& node) {
    const Value target = of(*node.children[0]);
    return selected(target, of(*node.children[1]), node.optional);
  }
  Value has(const Node& node) {
    Value target = of(*node.children[0]);
    if (const cel::Optional* optional = target.as_optional()) {
      if (!optional->value) return false;
      target = Value(*optional->value);
    }
    const cel::Map* map = target.as_map();
    if (!map) throw Error("does not support field selection");
    return map->find(Value(node.name)) != nullptr;
  }

  // -- Collections

  Value list(const Node& node) {
    cel::List out;
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      Value value = of(*node.children[i]);
      if (!node.optionals[i]) {
        out.push_back(std::move(value));
      } else if (const Value* held = present(value)) {
        out.push_back(*held);
      }
    }
    return Value::list(std::move(out));
  }

  Value map(const Node& node) {
    cel::Map out;
    for (std::size_t i = 0; i < node.children.size(); i += 2) {
      Value key = of(*node.children[i]), value = of(*node.children[i + 1]);
      const Value* held = node.optionals[i / 2] ? present(value) : &value;
      if (!held) continue;
      if (!is_key(key)) throw Error(fmt::format("unsupported key type: {}", key.type_name()));
      if (out.find(key)) throw Error(fmt::format("Failed with repeated key: {}", text_of(key)));
      out.entries.emplace_back(std::move(key), *held);
    }
    return Value::map(std::move(out));
  }

  static bool is_key(const Value& key) {
    return key.as<bool>() || key.as<std::int64_t>() || key.as<std::uint64_t>() || key.as<std::string>();
  }
  // Null: none.
  static const Value* present(const Value& value) {
    const cel::Optional* optional = value.as_optional();
    if (!optional) no_such_overload("optional", std::span(&value, 1));
    return optional->value ? &*optional->value : nullptr;
  }

  // -- Operators that do not need all of their operands

  // `decisive` in any place decides, even beside errors; without it the first error counts.
  Value junction(const Node& node, bool decisive) {
    std::optional<Error> error;
    for (const NodePtr& child : node.children) {
      try {
        if (boolean(of(*child), decisive ? "_||_" : "_&&_") == decisive) return decisive;
      } catch (const Error& e) {
        if (steps_ > kMostSteps) throw;
        if (!error) error = e;
      }
    }
    if (error) throw *error;
    return !decisive;
  }

  Value call(const Node& node) {
    std::vector<Value> args;
    args.reserve(node.children.size());
    for (const NodePtr& child : node.children) charge_for(args.emplace_back(of(*child)));
    charge(node.function->cost);
    Value out = node.function->call(args);
    charge_for(out);
    return out;
  }

  // -- Macros

  static cel::List elements_of(const Value& target) {
    if (const cel::List* list = target.as_list()) return *list;
    const cel::Map* map = target.as_map();
    if (!map) no_such_overload("comprehension", std::span(&target, 1));
    cel::List keys;
    for (const auto& [key, value] : map->entries) keys.push_back(key);
    return keys;
  }

  Value comprehension(const Node& node) {
    const Value target = of(*node.children[0]);
    charge_for(target);
    const cel::List elements = elements_of(target);
    switch (node.macro) {
      case Node::Macro::All: return quantified(node, elements, false);
      case Node::Macro::Exists: return quantified(node, elements, true);
      case Node::Macro::ExistsOne: {
        std::size_t count = 0;
        for (const Value& element : elements) count += holds(node, element);
        return count == 1;
      }
      case Node::Macro::Filter: {
        cel::List out;
        for (const Value& element : elements) {
          if (holds(node, element)) out.push_back(element);
        }
        return Value::list(std::move(out));
      }
      case Node::Macro::Map: break;
    }
    // map(x, f) or map(x, condition, f)
    cel::List out;
    for (const Value& element : elements) {
      const Local local(*this, node.name, element);
      const bool conditional = node.children.size() == 3;
      if (conditional && !boolean(of(*node.children[1]), "_?_:_")) continue;
      out.push_back(of(*node.children[conditional ? 2 : 1]));
    }
    return Value::list(std::move(out));
  }

  bool holds(const Node& node, const Value& element) {
    const Local local(*this, node.name, element);
    return boolean(of(*node.children[1]), "_?_:_");
  }

  // As || and && over all elements.
  Value quantified(const Node& node, const cel::List& elements, bool decisive) {
    std::optional<Error> error;
    for (const Value& element : elements) {
      try {
        if (holds(node, element) == decisive) return decisive;
      } catch (const Error& e) {
        if (steps_ > kMostSteps) throw;
        if (!error) error = e;
      }
    }
    if (error) throw *error;
    return !decisive;
  }

  const Variables& variables_;
  std::vector<std::pair<std::string_view, Value>> locals_;
  std::size_t steps_ = 0;
};

}  // namespace

Expression::Expression(std::unique_ptr<const Node> root) : root_(std::move(root)) {}
Expression::~Expression() = default;
Expression::Expression(Expression&&) noexcept = default;
Expression& Expression::operator=(Expression&&) noexcept = default;

Expression Expression::compile(std::string_view text, std::span<const std::string_view> variables) {
  if (text.size() > kLongestText) throw Error(fmt::format("expression code point size exceeds limit: {}", kLongestText));
  return Expression(parse(text, {variables.begin(), variables.end()}));
}

namespace {

bool mentions_below(const Node& node, std::string_view variable, std::string_view member) {
  if (!node.children.empty() && node.children[0] && node.children[0]->kind == Node::Kind::Variable &&
      node.children[0]->name == variable) {
    if ((node.kind == Node::Kind::Member || node.kind == Node::Kind::Has) && node.name == member) return true;
    const std::string* const key =
        node.kind == Node::Kind::Index && node.children.size() == 2 ? node.children[1]->constant.as<std::string>() : nullptr;
    if (key && *key == member) return true;
  }
  return std::ranges::any_of(node.children, [&](const auto& child) { return child && mentions_below(*child, variable, member); });
}

}  // namespace

bool Expression::mentions(std::string_view variable, std::string_view member) const {
  return mentions_below(*root_, variable, member);
}

Value Expression::evaluate(const Variables& variables) const { return Evaluator(variables).of(*root_); }

}  // namespace ph::api::cel
