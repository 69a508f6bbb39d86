#include "api/selector.h"

#include <algorithm>
#include <charconv>
#include <tuple>

#include <fmt/format.h>

#include "api/names.h"

namespace ph::api {

namespace {

bool is_special(char c) { return std::string_view("=!(),<>").find(c) != std::string_view::npos; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

enum class Token { End, Word, Comma, Open, Close, Bang, Equals, DoubleEquals, NotEquals, Greater, Less };

[[noreturn]] void refuse(const std::string& why) { throw DecodeError("unable to parse requirement: " + why); }

bool is_number(std::string_view text, std::int64_t& out) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

void validate(const Requirement& requirement) {
  if (const auto wrong = check_qualified_name(requirement.key); !wrong.empty()) {
    refuse(fmt::format("<nil>: Invalid value: \"{}\": {}", requirement.key, fmt::join(wrong, "; ")));
  }
  const bool set = requirement.op == Operator::In || requirement.op == Operator::NotIn;
  if (set && requirement.values.empty())
    refuse("values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty");
  const bool order = requirement.op == Operator::GreaterThan || requirement.op == Operator::LessThan;
  for (std::size_t i = 0; i < requirement.values.size(); ++i) {
    const std::string& value = requirement.values[i];
    std::int64_t number = 0;
    if (order && !is_number(value, number)) {
      refuse(fmt::format("values[{}]: Invalid value: \"{}\": for 'Gt', 'Lt' operators, the value must be an integer", i, value));
    }
    if (const auto wrong = check_label_value(value); !wrong.empty()) {
      refuse(fmt::format("values[{}][{}]: Invalid value: \"{}\": {}", i, requirement.key, value, fmt::join(wrong, "; ")));
    }
  }
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) { next(); }

  std::vector<Requirement> run() {
    std::vector<Requirement> out;
    if (token_ == Token::End) return out;
    while (true) {
      if (token_ != Token::Word && token_ != Token::Bang) {
        throw DecodeError(fmt::format("found '{}', expected: {}", word_,
                                      out.empty() ? "!, identifier, or 'end of string'" : "identifier after ','"));
      }
      out.push_back(requirement());
      validate(out.back());
      if (token_ == Token::End) return out;
      if (token_ != Token::Comma) throw DecodeError(fmt::format("found '{}', expected: ',' or 'end of string'", word_));
      next();
    }
  }

 private:
  void next() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
    const std::size_t begin = at_;
    token_ = scan();
    word_ = text_.substr(begin, at_ - begin);
  }

  Token scan() {
    if (at_ >= text_.size()) return Token::End;
    const char c = text_[at_];
    if (!is_special(c)) {
      while (at_ < text_.size() && !is_special(text_[at_]) && !is_space(text_[at_])) ++at_;
      return Token::Word;
    }
    ++at_;
    const bool equals = at_ < text_.size() && text_[at_] == '=';
    switch (c) {
      case ',': return Token::Comma;
      case '(': return Token::Open;
      case ')': return Token::Close;
      case '>': return Token::Greater;
      case '<': return Token::Less;
      case '!': return equals ? (++at_, Token::NotEquals) : Token::Bang;
      default: return equals ? (++at_, Token::DoubleEquals) : Token::Equals;
    }
  }

  std::string take_word() {
    if (token_ != Token::Word) refuse(fmt::format("found '{}', expected: identifier", word_));
    std::string out(word_);
    next();
    return out;
  }

  Requirement requirement() {
    Requirement out;
    const bool bang = token_ == Token::Bang;
    if (bang) next();
    out.key = take_word();
    out.op = bang ? Operator::NotExists : Operator::Exists;
    if (bang || token_ == Token::End || token_ == Token::Comma) return out;
    out.op = binary_operator();
    next();
    if (out.op == Operator::In || out.op == Operator::NotIn) {
      out.values = set();
    } else if (token_ == Token::End || token_ == Token::Comma) {
      out.values.emplace_back();
    } else {
      out.values.push_back(take_word());
    }
    return out;
  }

  Operator binary_operator() {
    switch (token_) {
      case Token::Equals:
      case Token::DoubleEquals: return Operator::Equals;
      case Token::NotEquals: return Operator::NotEquals;
      case Token::Greater: return Operator::GreaterThan;
      case Token::Less: return Operator::LessThan;
      default: break;
    }
    if (word_ == "in") return Operator::In;
    if (word_ == "notin") return Operator::NotIn;
    refuse(fmt::format("found '{}', expected: in, notin, =, ==, !=, gt, lt", word_));
  }

  // (a, b,): nothing between commas is the empty value, and so is nothing at all.
  std::vector<std::string> set() {
    if (token_ != Token::Open) refuse(fmt::format("found '{}' expected: '('", word_));
    next();
    std::vector<std::string> out;
    while (true) {
      if (token_ == Token::Word) out.push_back(take_word());
      else if (token_ == Token::Comma || token_ == Token::Close) out.emplace_back();
      else refuse(fmt::format("found '{}', expected: ',', ')' or identifier", word_));
      if (token_ == Token::Close) break;
      if (token_ != Token::Comma) refuse(fmt::format("found '{}', expected: ',' or ')'", word_));
      next();
    }
    next();
    std::ranges::sort(out);
    const auto repeated = std::ranges::unique(out);
    out.erase(repeated.begin(), repeated.end());
    return out;
  }

  std::string_view text_, word_;
  std::size_t at_ = 0;
  Token token_ = Token::End;
};

bool holds(const Requirement& requirement, const std::optional<std::string_view>& value) {
  const auto& values = requirement.values;
  switch (requirement.op) {
    case Operator::Exists: return value.has_value();
    case Operator::NotExists: return !value;
    case Operator::Equals:
    case Operator::In: return value && std::ranges::binary_search(values, *value);
    case Operator::NotEquals:
    case Operator::NotIn: return !value || !std::ranges::binary_search(values, *value);
    default: break;
  }
  std::int64_t left = 0, right = 0;
  if (!value || values.empty() || !is_number(*value, left) || !is_number(values[0], right)) return false;
  return requirement.op == Operator::GreaterThan ? left > right : left < right;
}

std::string text_of(const Requirement& requirement) {
  const std::string& key = requirement.key;
  const std::string value = requirement.values.empty() ? std::string() : requirement.values[0];
  switch (requirement.op) {
    case Operator::Exists: return key;
    case Operator::NotExists: return "!" + key;
    case Operator::Equals: return key + "=" + value;
    case Operator::NotEquals: return key + "!=" + value;
    case Operator::In: return fmt::format("{} in ({})", key, fmt::join(requirement.values, ","));
    case Operator::NotIn: return fmt::format("{} notin ({})", key, fmt::join(requirement.values, ","));
    case Operator::GreaterThan: return key + ">" + value;
    case Operator::LessThan: return key + "<" + value;
  }
  return {};
}

}  // namespace

void LabelSelector::sort() {
  std::ranges::sort(requirements_, {}, [](const Requirement& r) { return std::tie(r.key, r.op, r.values); });
  present_ = static_cast<std::size_t>(
      std::ranges::count_if(requirements_, [](const Requirement& r) { return !holds(r, std::nullopt); }));
}

LabelSelector LabelSelector::parse(std::string_view text) {
  LabelSelector out;
  out.requirements_ = Parser(text).run();
  out.sort();
  return out;
}

LabelSelector LabelSelector::from(const meta::v1::LabelSelector& selector) {
  LabelSelector out = from_map(selector.match_labels());
  for (const auto& expression : selector.match_expressions()) {
    Requirement requirement{.key = expression.key(), .values = {expression.values().begin(), expression.values().end()}};
    if (expression.operator_() == "In") requirement.op = Operator::In;
    else if (expression.operator_() == "NotIn") requirement.op = Operator::NotIn;
    else if (expression.operator_() == "Exists") requirement.op = Operator::Exists;
    else if (expression.operator_() == "DoesNotExist") requirement.op = Operator::NotExists;
    else throw DecodeError(fmt::format("\"{}\" is not a valid label selector operator", expression.operator_()));
    std::ranges::sort(requirement.values);
    const bool takes_none = requirement.op == Operator::Exists || requirement.op == Operator::NotExists;
    if (takes_none && !requirement.values.empty()) {
      throw DecodeError(fmt::format("values: Invalid value: [\"{}\"]: values set must be empty for exists and does not exist",
                                    fmt::join(requirement.values, "\",\"")));
    }
    out.requirements_.push_back(std::move(requirement));
  }
  for (const Requirement& requirement : out.requirements_) validate(requirement);
  out.sort();
  return out;
}

LabelSelector LabelSelector::nothing() {
  LabelSelector out;
  out.nothing_ = true;
  return out;
}

bool LabelSelector::matches(const Lookup& lookup) const {
  if (nothing_) return false;
  return std::ranges::all_of(requirements_,
                             [&](const Requirement& requirement) { return holds(requirement, lookup(requirement.key)); });
}

bool LabelSelector::matches(std::span<const std::pair<std::string_view, std::string_view>> labels) const {
  if (nothing_) return false;
  std::size_t present = 0;
  for (const auto& [key, value] : labels) {
    for (const Requirement& requirement : std::ranges::equal_range(requirements_, key, {}, &Requirement::key)) {
      if (!holds(requirement, value)) return false;
      if (!holds(requirement, std::nullopt)) ++present;
    }
  }
  return present == present_;
}

std::string LabelSelector::text() const {
  std::string out;
  for (const Requirement& requirement : requirements_) {
    if (!out.empty()) out += ",";
    out += text_of(requirement);
  }
  return out;
}

namespace {

// The terms between commas; a backslash takes the next character along.
std::vector<std::string_view> split_terms(std::string_view text) {
  std::vector<std::string_view> out;
  std::size_t begin = 0;
  for (std::size_t at = 0; at <= text.size(); ++at) {
    if (at < text.size() && text[at] == '\\') {
      ++at;
    } else if (at >= text.size() || text[at] == ',') {
      out.push_back(text.substr(begin, std::min(at, text.size()) - begin));
      begin = at + 1;
    }
  }
  return out;
}

std::string unescape(std::string_view value) {
  std::string out;
  for (std::size_t at = 0; at < value.size(); ++at) {
    const char c = value[at];
    if (c == ',' || c == '=')
      throw DecodeError(fmt::format("invalid field selector: unescaped character in value: {}", static_cast<int>(c)));
    if (c != '\\') {
      out.push_back(c);
      continue;
    }
    const char next = ++at < value.size() ? value[at] : '\0';
    if (next != '\\' && next != ',' && next != '=') {
      throw DecodeError(fmt::format("invalid field selector: invalid escape sequence: {}", value.substr(at - 1, 2)));
    }
    out.push_back(next);
  }
  return out;
}

}  // namespace

FieldSelector FieldSelector::parse(std::string_view text) {
  FieldSelector out;
  for (const std::string_view term : split_terms(text)) {
    if (term.empty()) continue;
    std::size_t at = 0;
    const auto is = [&](std::string_view op) { return term.substr(at).starts_with(op); };
    while (at < term.size() && !is("!=") && !is("=")) ++at;
    if (at >= term.size()) throw DecodeError(fmt::format("invalid selector: '{}'; can't understand '{}'", text, term));
    const std::size_t length = is("!=") || is("==") ? 2 : 1;
    out.terms_.push_back({std::string(term.substr(0, at)), !is("!="), unescape(term.substr(at + length))});
  }
  return out;
}

std::optional<std::string_view> FieldSelector::demanded(std::string_view field) const {
  for (const Term& term : terms_) {
    if (term.equals && term.field == field) return term.value;
  }
  return std::nullopt;
}

}  // namespace ph::api
