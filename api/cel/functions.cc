// Upstream: github.com/google/cel-go/common/stdlib, ext (strings); k8s.io/apiserver/pkg/cel/library (quantity, semver)
#include "api/cel/functions.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <re2/re2.h>

#include "api/cel/times.h"

namespace ph::api::cel {

void no_such_overload(std::string_view name, std::span<const Value> args) {
  std::string types;
  for (const Value& arg : args) types += fmt::format("{}{}", types.empty() ? "" : ", ", arg.type_name());
  throw Error(fmt::format("no such overload: {}({})", name, types));
}

namespace {

using Args = std::span<const Value>;

// What an expression makes is bounded, whatever it doubles.
constexpr std::size_t kLargest = 1 << 20;
constexpr int kPatternCost = 2000;  // it is compiled anew each time
void check_size(std::size_t size) {
  if (size > kLargest) throw Error("operation cancelled: actual cost limit exceeded");
}

template <class T>
const T& need(Args args, std::size_t i, std::string_view name) {
  if (const T* held = args[i].as<T>()) return *held;
  no_such_overload(name, args);
}
const std::string& text(Args args, std::size_t i, std::string_view name) { return need<std::string>(args, i, name); }
std::int64_t integer(Args args, std::size_t i, std::string_view name) { return need<std::int64_t>(args, i, name); }

// -- Arithmetic

[[noreturn]] void overflow(bool is_signed) { throw Error(is_signed ? "integer overflow" : "unsigned integer overflow"); }

template <class T>
T exactly(char op, T a, T b) {
  T out = 0;
  bool too_large = false;
  switch (op) {
    case '+': too_large = __builtin_add_overflow(a, b, &out); break;
    case '-': too_large = __builtin_sub_overflow(a, b, &out); break;
    case '*': too_large = __builtin_mul_overflow(a, b, &out); break;
    default:
      if (b == 0) throw Error(op == '/' ? "division by zero" : "modulus by zero");
      if (std::is_signed_v<T> && b == static_cast<T>(-1)) {
        too_large = a == std::numeric_limits<T>::min();
        out = op == '/' && !too_large ? static_cast<T>(0 - a) : 0;
      } else {
        out = op == '/' ? a / b : a % b;
      }
  }
  if (too_large) overflow(std::is_signed_v<T>);
  return out;
}

double roughly(char op, double a, double b) { return op == '+' ? a + b : op == '-' ? a - b : op == '*' ? a * b : a / b; }

template <char op>
Value arithmetic(Args args) {
  static constexpr char kName[] = {'_', op, '_', '\0'};
  const auto *i = args[0].as<std::int64_t>(), *j = args[1].as<std::int64_t>();
  if (i && j) return exactly(op, *i, *j);
  const auto *u = args[0].as<std::uint64_t>(), *v = args[1].as<std::uint64_t>();
  if (u && v) return exactly(op, *u, *v);
  const auto *d = args[0].as<double>(), *e = args[1].as<double>();
  if (d && e && op != '%') return roughly(op, *d, *e);
  no_such_overload(kName, args);
}

Value plus(Args args) {
  if (const auto* s = args[0].as<std::string>()) {
    const std::string& more = text(args, 1, "_+_");
    check_size(s->size() + more.size());
    return *s + more;
  }
  if (const auto* b = args[0].as<Bytes>()) {
    const auto& more = need<Bytes>(args, 1, "_+_");
    check_size(b->data.size() + more.data.size());
    return Bytes{b->data + more.data};
  }
  if (const List* list = args[0].as_list()) {
    const List* more = args[1].as_list();
    if (!more) no_such_overload("_+_", args);
    check_size(list->size() + more->size());
    List out = *list;
    out.insert(out.end(), more->begin(), more->end());
    return Value::list(std::move(out));
  }
  if (auto time = sum_of_times(args[0], args[1])) return *std::move(time);
  return arithmetic<'+'>(args);
}

Value minus(Args args) {
  if (auto time = difference_of_times(args[0], args[1])) return *std::move(time);
  return arithmetic<'-'>(args);
}

Value negate(Args args) {
  if (const auto* i = args[0].as<std::int64_t>()) return exactly<std::int64_t>('-', 0, *i);
  if (const auto* d = args[0].as<Duration>()) return Duration(exactly<std::int64_t>('-', 0, d->nanos));
  return -need<double>(args, 0, "-_");
}

Value negation(Args args) { return !need<bool>(args, 0, "!_"); }

// -- Comparison

Value equals(Args args) { return args[0] == args[1]; }
Value differs(Args args) { return !(args[0] == args[1]); }

// NaN is neither less nor more than anything.
bool is_nan(const Value& value) {
  const auto* d = value.as<double>();
  return d && std::isnan(*d);
}

template <class Claim>
Value ordered(std::string_view name, Args args, Claim claim) {
  if (const auto order = compare(args[0], args[1])) return claim(*order);
  const auto is_number = [](const Value& v) { return v.as<double>() || v.as<std::int64_t>() || v.as<std::uint64_t>(); };
  if ((is_nan(args[0]) && is_number(args[1])) || (is_nan(args[1]) && is_number(args[0]))) return false;
  no_such_overload(name, args);
}
Value less(Args args) {
  return ordered("_<_", args, [](auto order) { return order < 0; });
}
Value at_most(Args args) {
  return ordered("_<=_", args, [](auto order) { return order <= 0; });
}
Value more(Args args) {
  return ordered("_>_", args, [](auto order) { return order > 0; });
}
Value at_least(Args args) {
  return ordered("_>=_", args, [](auto order) { return order >= 0; });
}

Value in(Args args) {
  if (const List* list = args[1].as_list()) return std::ranges::find(*list, args[0]) != list->end();
  if (const Map* map = args[1].as_map()) return map->find(args[0]) != nullptr;
  no_such_overload("@in", args);
}

// -- Sizes and conversions

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

Value size(Args args) {
  std::size_t out = 0;
  if (const auto* s = args[0].as<std::string>()) {
    out = code_points(*s);
  } else if (const auto* b = args[0].as<Bytes>()) {
    out = b->data.size();
  } else if (const List* list = args[0].as_list()) {
    out = list->size();
  } else if (const Map* map = args[0].as_map()) {
    out = map->entries.size();
  } else {
    no_such_overload("size", args);
  }
  return static_cast<std::int64_t>(out);
}

template <class T>
std::optional<T> parsed(std::string_view text) {
  T out{};
  if (std::is_signed_v<T> && text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(out) : std::nullopt;
}

template <class T>
T converted(double d) {
  // The bounds themselves are not whole doubles, or are beyond.
  constexpr double kLeast = std::is_signed_v<T> ? -0x1p63 : -1.0, kMost = std::is_signed_v<T> ? 0x1p63 : 0x1p64;
  if (!(d > kLeast) || !(d < kMost)) overflow(std::is_signed_v<T>);
  return static_cast<T>(d);
}

template <class T>
Value to_integer(Args args) {
  if (const auto* i = args[0].as<std::int64_t>()) {
    if (!std::is_signed_v<T> && *i < 0) overflow(false);
    return static_cast<T>(*i);
  }
  if (const auto* u = args[0].as<std::uint64_t>()) {
    if (std::is_signed_v<T> && *u > INT64_MAX) overflow(true);
    return static_cast<T>(*u);
  }
  if (const auto* d = args[0].as<double>()) return converted<T>(*d);
  if (const auto number = std::is_signed_v<T> ? number_of_time(args[0]) : std::nullopt) return *number;
  const auto* s = args[0].as<std::string>();
  if (!s) no_such_overload(std::is_signed_v<T> ? "int" : "uint", args);
  if (const auto out = parsed<T>(*s)) return *out;
  throw Error(fmt::format("type conversion error from 'string' to '{}'", std::is_signed_v<T> ? "int" : "uint"));
}

Value to_double(Args args) {
  if (const auto* d = args[0].as<double>()) return *d;
  if (const auto* i = args[0].as<std::int64_t>()) return static_cast<double>(*i);
  if (const auto* u = args[0].as<std::uint64_t>()) return static_cast<double>(*u);
  if (const auto out = parsed<double>(text(args, 0, "double"))) return *out;
  throw Error("type conversion error from 'string' to 'double'");
}

Value to_text(Args args) {
  if (const auto* s = args[0].as<std::string>()) return *s;
  if (const auto* b = args[0].as<bool>()) return std::string(*b ? "true" : "false");
  if (const auto* i = args[0].as<std::int64_t>()) return std::to_string(*i);
  if (const auto* u = args[0].as<std::uint64_t>()) return std::to_string(*u);
  if (const auto* d = args[0].as<double>()) return fmt::format("{}", *d);
  if (auto time = text_of_time(args[0])) return *std::move(time);
  return need<Bytes>(args, 0, "string").data;
}

Value to_bytes(Args args) {
  if (const auto* b = args[0].as<Bytes>()) return *b;
  return Bytes{text(args, 0, "bytes")};
}

Value to_bool(Args args) {
  if (const auto* b = args[0].as<bool>()) return *b;
  const std::string& s = text(args, 0, "bool");
  for (const std::string_view yes : {"1", "t", "T", "TRUE", "true", "True"}) {
    if (s == yes) return true;
  }
  for (const std::string_view no : {"0", "f", "F", "FALSE", "false", "False"}) {
    if (s == no) return false;
  }
  throw Error("type conversion error from 'string' to 'bool'");
}

Value type(Args args) { return Type{std::string(args[0].type_name())}; }
Value dyn(Args args) { return args[0]; }

// -- Text

Value contains(Args args) { return text(args, 0, "contains").find(text(args, 1, "contains")) != std::string::npos; }
Value starts_with(Args args) { return text(args, 0, "startsWith").starts_with(text(args, 1, "startsWith")); }
Value ends_with(Args args) { return text(args, 0, "endsWith").ends_with(text(args, 1, "endsWith")); }

Value matches(Args args) {
  const re2::RE2 pattern(text(args, 1, "matches"), re2::RE2::Quiet);
  if (!pattern.ok()) throw Error(fmt::format("error parsing regexp: {}", pattern.error()));
  return re2::RE2::PartialMatch(text(args, 0, "matches"), pattern);
}

template <char from, char to>
Value in_case(Args args) {
  std::string out = text(args, 0, "lowerAscii");
  for (char& c : out) {
    if (c >= from && c <= from + 25) c = static_cast<char>(c + (to - from));
  }
  return out;
}

Value trim(Args args) {
  constexpr std::string_view kSpace = " \t\n\v\f\r";
  const std::string& s = text(args, 0, "trim");
  const auto begin = s.find_first_not_of(kSpace);
  return begin == s.npos ? std::string() : s.substr(begin, s.find_last_not_of(kSpace) - begin + 1);
}

// The offset of a character, which may be the end's.
std::size_t offset_of(std::string_view s, std::int64_t index) {
  std::size_t at = 0;
  for (std::int64_t left = index; left > 0 && at < s.size(); --left) {
    for (++at; at < s.size() && (s[at] & 0xc0) == 0x80;) ++at;
  }
  if (index < 0 || static_cast<std::uint64_t>(index) > code_points(s)) throw Error(fmt::format("index out of range: {}", index));
  return at;
}

Value substring(Args args) {
  const std::string& s = text(args, 0, "substring");
  const std::int64_t from = integer(args, 1, "substring");
  const std::int64_t to = args.size() > 2 ? integer(args, 2, "substring") : static_cast<std::int64_t>(code_points(s));
  if (from > to) throw Error(fmt::format("invalid substring range. start: {}, end: {}", from, to));
  const std::size_t begin = offset_of(s, from), end = offset_of(s, to);
  return s.substr(begin, end - begin);
}

Value char_at(Args args) {
  const std::string& s = text(args, 0, "charAt");
  const std::int64_t at = integer(args, 1, "charAt");
  const std::size_t begin = offset_of(s, at);
  return begin == s.size() ? std::string() : s.substr(begin, offset_of(s, at + 1) - begin);
}

template <bool last>
Value index_of(Args args) {
  const std::string &s = text(args, 0, "indexOf"), &what = text(args, 1, "indexOf");
  const auto found = last ? s.rfind(what) : s.find(what);
  return found == s.npos ? std::int64_t{-1} : static_cast<std::int64_t>(code_points(std::string_view(s).substr(0, found)));
}

Value replace(Args args) {
  const std::string &s = text(args, 0, "replace"), &from = text(args, 1, "replace"), &to = text(args, 2, "replace");
  if (from.empty()) throw Error("replace: nothing to replace");
  std::string out;
  for (std::size_t at = 0;;) {
    const auto found = s.find(from, at);
    out += s.substr(at, found == s.npos ? s.npos : found - at);
    check_size(out.size());
    if (found == s.npos) return out;
    out += to;
    at = found + from.size();
  }
}

Value split(Args args) {
  const std::string &s = text(args, 0, "split"), &by = text(args, 1, "split");
  if (by.empty()) throw Error("split: nothing to split by");
  List out;
  for (std::size_t at = 0;;) {
    const auto found = s.find(by, at);
    out.emplace_back(s.substr(at, found == s.npos ? s.npos : found - at));
    if (found == s.npos) return Value::list(std::move(out));
    at = found + by.size();
  }
}

Value join(Args args) {
  const List* list = args[0].as_list();
  if (!list) no_such_overload("join", args);
  const std::string by = args.size() > 1 ? text(args, 1, "join") : std::string();
  std::string out;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const auto* s = (*list)[i].as<std::string>();
    if (!s) no_such_overload("join", args);
    out += (i == 0 ? "" : by) + *s;
    check_size(out.size());
  }
  return out;
}

// -- Quantities

Value quantity(Args args) {
  if (const auto out = Quantity::parse(text(args, 0, "quantity"))) return *out;
  throw Error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
}
Value is_quantity(Args args) { return Quantity::parse(text(args, 0, "isQuantity")).has_value(); }
Value sign(Args args) { return std::int64_t{need<Quantity>(args, 0, "sign").sign()}; }

bool is_whole(const Quantity& q) { return Quantity::of(q.value()) == q; }
Value is_integer(Args args) { return is_whole(need<Quantity>(args, 0, "isInteger")); }
Value as_integer(Args args) {
  const auto& q = need<Quantity>(args, 0, "asInteger");
  if (!is_whole(q)) throw Error("cannot convert value to integer");
  return q.value();
}
Value as_float(Args args) {
  const auto& q = need<Quantity>(args, 0, "asApproximateFloat");
  const bool small = std::abs(static_cast<double>(q.value())) < 0x1p52 / 1000;
  return small ? static_cast<double>(q.milli_value()) / 1000 : static_cast<double>(q.value());
}

template <bool subtract>
Value sum(Args args) {
  Quantity out = need<Quantity>(args, 0, "add");
  Quantity other;
  if (const auto* i = args[1].as<std::int64_t>()) {
    other = Quantity::of(*i);
  } else {
    other = need<Quantity>(args, 1, "add");
  }
  return subtract ? out -= other : out += other;
}

// -- Versions

Value semver(Args args) {
  const bool normalize = args.size() > 1 && need<bool>(args, 1, "semver");
  if (auto out = SemVer::parse(text(args, 0, "semver"), normalize)) return *std::move(out);
  throw Error("invalid semver");
}
Value is_semver(Args args) {
  const bool normalize = args.size() > 1 && need<bool>(args, 1, "isSemver");
  return SemVer::parse(text(args, 0, "isSemver"), normalize).has_value();
}
template <std::uint64_t SemVer::* part>
Value part_of(Args args) {
  return static_cast<std::int64_t>(need<SemVer>(args, 0, "major").*part);
}

// -- Of both: compareTo, isLessThan, isGreaterThan

std::strong_ordering order_of(std::string_view name, Args args) {
  if (const auto* version = args[0].as<SemVer>()) return *version <=> need<SemVer>(args, 1, name);
  return need<Quantity>(args, 0, name) <=> need<Quantity>(args, 1, name);
}
Value compare_to(Args args) {
  const auto order = order_of("compareTo", args);
  return std::int64_t{order < 0 ? -1 : order > 0 ? 1 : 0};
}
Value is_less(Args args) { return order_of("isLessThan", args) < 0; }
Value is_greater(Args args) { return order_of("isGreaterThan", args) > 0; }

// -- Optionals

const Optional& optional(Args args, std::string_view name) {
  if (const Optional* held = args[0].as_optional()) return *held;
  no_such_overload(name, args);
}
Value some(Args args) { return Value::some(args[0]); }
Value none(Args) { return Value::none(); }
Value has_value(Args args) { return optional(args, "hasValue").value.has_value(); }
Value value(Args args) {
  if (const auto& held = optional(args, "value").value) return *held;
  throw Error("optional.none() dereference");
}
Value or_value(Args args) {
  const auto& held = optional(args, "orValue").value;
  return held ? *held : args[1];
}
Value or_other(Args args) {
  if (!args[1].as_optional()) no_such_overload("or", args);
  return optional(args, "or").value ? args[0] : args[1];
}

constexpr Function kFunctions[] = {
    {"_+_", false, 2, plus},
    {"_-_", false, 2, minus},
    {"_*_", false, 2, arithmetic<'*'>},
    {"_/_", false, 2, arithmetic<'/'>},
    {"_%_", false, 2, arithmetic<'%'>},
    {"-_", false, 1, negate},
    {"!_", false, 1, negation},
    {"_==_", false, 2, equals},
    {"_!=_", false, 2, differs},
    {"_<_", false, 2, less},
    {"_<=_", false, 2, at_most},
    {"_>_", false, 2, more},
    {"_>=_", false, 2, at_least},
    {"@in", false, 2, in},
    {"size", false, 1, size},
    {"size", true, 1, size},
    {"int", false, 1, to_integer<std::int64_t>},
    {"uint", false, 1, to_integer<std::uint64_t>},
    {"double", false, 1, to_double},
    {"string", false, 1, to_text},
    {"bytes", false, 1, to_bytes},
    {"bool", false, 1, to_bool},
    {"type", false, 1, type},
    {"dyn", false, 1, dyn},
    {"contains", true, 2, contains},
    {"startsWith", true, 2, starts_with},
    {"endsWith", true, 2, ends_with},
    {"matches", true, 2, matches, kPatternCost},
    {"matches", false, 2, matches, kPatternCost},
    {"lowerAscii", true, 1, in_case<'A', 'a'>},
    {"upperAscii", true, 1, in_case<'a', 'A'>},
    {"trim", true, 1, trim},
    {"substring", true, 2, substring},
    {"substring", true, 3, substring},
    {"charAt", true, 2, char_at},
    {"indexOf", true, 2, index_of<false>},
    {"lastIndexOf", true, 2, index_of<true>},
    {"replace", true, 3, replace},
    {"split", true, 2, split},
    {"join", true, 1, join},
    {"join", true, 2, join},
    {"quantity", false, 1, quantity},
    {"isQuantity", false, 1, is_quantity},
    {"sign", true, 1, sign},
    {"isInteger", true, 1, is_integer},
    {"asInteger", true, 1, as_integer},
    {"asApproximateFloat", true, 1, as_float},
    {"add", true, 2, sum<false>},
    {"sub", true, 2, sum<true>},
    {"semver", false, 1, semver},
    {"semver", false, 2, semver},
    {"isSemver", false, 1, is_semver},
    {"isSemver", false, 2, is_semver},
    {"major", true, 1, part_of<&SemVer::major>},
    {"minor", true, 1, part_of<&SemVer::minor>},
    {"patch", true, 1, part_of<&SemVer::patch>},
    {"compareTo", true, 2, compare_to},
    {"isLessThan", true, 2, is_less},
    {"isGreaterThan", true, 2, is_greater},
    {"optional.of", false, 1, some},
    {"optional.none", false, 0, none},
    {"hasValue", true, 1, has_value},
    {"value", true, 1, value},
    {"orValue", true, 2, or_value},
    {"or", true, 2, or_other},
};

}  // namespace

const Function* find_function(std::string_view name, bool method, std::size_t args) {
  for (const std::span<const Function> functions : {std::span<const Function>(kFunctions), time_functions()}) {
    const auto found = std::ranges::find_if(
        functions, [&](const Function& one) { return one.name == name && one.method == method && one.args == args; });
    if (found != functions.end()) return &*found;
  }
  return nullptr;
}

bool is_function(std::string_view name) {
  const auto has = [&](std::span<const Function> functions) {
    return std::ranges::find(functions, name, &Function::name) != functions.end();
  };
  return has(kFunctions) || has(time_functions());
}

}  // namespace ph::api::cel
