// A value judged by a schema, as upstream's validator of OpenAPI schemas does it: the same words, and of alternatives of which
// none fits the complaints of the one that came nearest.
#include <cmath>
#include <span>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>
#include <re2/re2.h>
#include <nlohmann/json.hpp>

#include "api/json_text.h"
#include "api/structural/document.h"
#include "api/structural/formats.h"
#include "api/structural/tree.h"

namespace ph::api::structural {

namespace {

constexpr std::size_t kProblemsMax = 1000;

struct Problem {
  enum Kind { Required, Enum, TooLong, TooMany, Type, Invalid, Whole } kind;
  std::string name;  // where: ".spec.foo" or "spec.foo"; of the whole value: nothing
  std::string message;
  const Json* value = nullptr;  // Enum, Invalid, TooMany (its size)
  const Node* node = nullptr;   // Enum
  std::string text;             // Type: what the value is
  std::int64_t max = 0;         // TooLong, TooMany
};

// What one schema has to say.
struct Result {
  std::vector<Problem> problems;
  std::size_t matches = 0;  // checks that were made: the more, the nearer a failed alternative came

  bool valid() const { return problems.empty(); }
  // Each message once.
  void add(Problem problem) {
    const auto same = [&](const Problem& other) { return other.message == problem.message; };
    if (problems.size() < kProblemsMax && std::ranges::none_of(problems, same)) problems.push_back(std::move(problem));
  }
  void merge(Result other) {
    matches += other.matches;
    if (problems.empty()) problems = std::move(other.problems);
    else
      for (Problem& problem : other.problems) add(std::move(problem));
  }
};

std::string_view type_of(const Json& value) {
  switch (value.type()) {
    case Json::value_t::boolean: return "boolean";
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned: return "integer";
    case Json::value_t::number_float: return "number";
    case Json::value_t::string: return "string";
    case Json::value_t::array: return "array";
    case Json::value_t::object: return "object";
    default: return "null";
  }
}

bool has(std::span<const std::string> types, std::string_view type) { return std::ranges::find(types, type) != types.end(); }

// As upstream tells whole numbers: within 2^53, and as good as whole.
bool is_whole(double value) {
  constexpr double kMax = 9007199254740991.0;
  if (!std::isfinite(value) || std::fabs(value) > kMax) return false;
  const double rounded = std::trunc(value);
  if (value == rounded) return true;
  return std::fabs(value - rounded) / std::fabs(value + rounded) < 1e-9;
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::int64_t truncated(double value) {
  if (std::isnan(value)) return 0;
  if (value >= 9.2e18) return INT64_MAX;
  if (value <= -9.2e18) return INT64_MIN;
  return static_cast<std::int64_t>(value);
}

// Whether a value is one of an enumeration: numbers are compared as the enumeration has them.
bool equals(const Json& value, const Json& wanted) {
  if (value.is_null() || wanted.is_null()) return false;
  if (value.is_number() && wanted.is_number_integer()) {
    return (value.is_number_float() ? truncated(value.get<double>()) : value.get<std::int64_t>()) == wanted.get<std::int64_t>();
  }
  return value == wanted;
}

// Where in a value the validator is, as its messages name it: members of the root stand alone, values of a map after a dot.
struct Where {
  const Where* up = nullptr;
  std::string_view name;
  std::size_t index = 0;
  enum Kind : unsigned char { Root, Member, Value, Item } kind = Root;

  std::string text() const {
    if (!up) return {};
    std::string out = up->text();
    if (kind == Item) return out + fmt::format("[{}]", index);
    if (kind == Value || !out.empty()) out += '.';
    return out.append(name);
  }
};

class Validator {
 public:
  // `root_metadata`: what stands for metadata of the root.
  explicit Validator(const Json* root_metadata = nullptr, const Json* old_root_metadata = nullptr)
      : root_metadata_(root_metadata), old_root_metadata_(old_root_metadata) {}

  // `old`: what stood there before, null when nothing is known of it. What is as it was is not judged.
  Result validate(const Json& value, const Node& node, const Where& path, const Json* old, bool root = false) {
    Result out;
    if (old && *old == value && !root) return out;
    if (value.is_null()) {
      out.merge(check_type(value, node, path));
      check_enum(value, node, path, out);
      return out;
    }
    if (!node.types().empty() || !node.format.empty()) part(out, check_type(value, node, path));
    part(out, check_junctors(value, node, path, old, root));
    if (value.is_string()) {
      part(out, check_text(value, node, path));
      if (!node.format.empty()) part(out, check_format(value, node, path));
    }
    if (value.is_number()) part(out, check_number(value, node, path));
    if (value.is_array()) part(out, check_items(value, node, path, old));
    Result listed;
    check_enum(value, node, path, listed);
    part(out, std::move(listed));
    if (value.is_object()) part(out, check_members(value, node, path, old, root));
    ++out.matches;
    return out;
  }

 private:
  static void part(Result& out, Result part) {
    out.merge(std::move(part));
    ++out.matches;
  }
  static Result one(Problem problem) {
    Result out;
    out.problems.push_back(std::move(problem));
    return out;
  }
  static Problem invalid(const Where& path, const Json& value, std::string what) {
    return {.kind = Problem::Invalid,
            .name = path.text(),
            .message = fmt::format("{} in body {}", path.text(), what),
            .value = &value};
  }
  static Result mistyped(const Where& path, std::string_view wanted, std::string_view is) {
    return one({.kind = Problem::Type,
                .name = path.text(),
                .message = fmt::format("{} in body must be of type {}: \"{}\"", path.text(), wanted, is),
                .text = std::string(is)});
  }

  static Result check_type(const Json& value, const Node& node, const Where& path) {
    Result fine{.problems = {}, .matches = 1};
    const auto wanted = [&node] { return fmt::format("{}", fmt::join(node.types(), ",")); };
    const std::string_view is = type_of(value);
    if (value.is_null())
      return node.types().empty() || node.nullable || has(node.types(), "null") ? fine : mistyped(path, wanted(), is);
    const bool number = has(node.types(), "number"), integer = has(node.types(), "integer");
    const bool fits =
        has(node.types(), is) || (is == "integer" && number) || (is == "number" && integer && is_whole(value.get<double>()));
    const bool textual = value.is_string() || value.is_array();
    const std::string_view format = is == "integer" ? "int64" : is == "number" ? "float64" : "";
    if (!textual && !node.format.empty() && !fits && format != node.format) return mistyped(path, node.format, format);
    // A format has the last word about texts.
    if (!number && !integer && !node.format.empty() && textual) return fine;
    return fits ? fine : mistyped(path, wanted(), is);
  }

  static void check_enum(const Json& value, const Node& node, const Where& path, Result& out) {
    const Demands& demands = node.demands();
    if (demands.enum_values.empty()) return;
    if (std::ranges::any_of(demands.enum_values, [&](const Json& wanted) { return equals(value, wanted); })) return;
    std::vector<std::string> values;
    for (const Json& wanted : demands.enum_values) values.push_back(plain_text(wanted));
    out.add({.kind = Problem::Enum,
             .name = path.text(),
             .message = fmt::format("{} in body should be one of [{}]", path.text(), fmt::join(values, " ")),
             .value = &value,
             .node = &node});
  }

  static Result check_text(const Json& value, const Node& node, const Where& path) {
    const Demands& demands = node.demands();
    const std::string& text = value.get_ref<const std::string&>();
    const auto length = static_cast<std::int64_t>(demands.max_length || demands.min_length ? characters(text) : 0);
    if (demands.max_length && length > *demands.max_length) {
      return one({.kind = Problem::TooLong,
                  .name = path.text(),
                  .message = fmt::format("{} in body should be at most {} chars long", path.text(), *demands.max_length),
                  .max = *demands.max_length});
    }
    if (demands.min_length && length < *demands.min_length)
      return one(invalid(path, value, fmt::format("should be at least {} chars long", *demands.min_length)));
    if (demands.regex && !RE2::PartialMatch(text, *demands.regex))
      return one(invalid(path, value, fmt::format("should match '{}'", demands.pattern)));
    return {};
  }

  static Result check_format(const Json& value, const Node& node, const Where& path) {
    const std::string& text = value.get_ref<const std::string&>();
    return has_format(text, node.format) ? Result() : mistyped_text(path, node.format, text);
  }
  static Result mistyped_text(const Where& path, std::string_view format, const std::string& text) {
    return one({.kind = Problem::Type,
                .name = path.text(),
                .message = fmt::format("{} in body must be of type {}: {}", path.text(), format, value_text(text)),
                .text = text});
  }

  static Result check_number(const Json& value, const Node& node, const Where& path) {
    const Demands& demands = node.demands();
    Result out;
    const bool whole = value.is_number_integer();
    const auto shown = [whole](double bound) { return whole ? std::to_string(truncated(bound)) : go_double(bound); };
    // Whole numbers are compared as such, with bounds cut to whole ones.
    const auto compare = [&](double bound) {
      if (!whole) return value.get<double>() < bound ? -1 : value.get<double>() > bound ? 1 : 0;
      const auto number = value.get<std::int64_t>(), limit = truncated(bound);
      return number < limit ? -1 : number > limit ? 1 : 0;
    };
    if (demands.multiple_of)
      check_multiple(value, whole ? static_cast<double>(truncated(*demands.multiple_of)) : *demands.multiple_of, path, out);
    if (demands.minimum && compare(*demands.minimum) < (demands.exclusive_minimum ? 1 : 0)) {
      out.add(invalid(
          path, value,
          fmt::format("should be greater than {}{}", demands.exclusive_minimum ? "" : "or equal to ", shown(*demands.minimum))));
    }
    if (demands.maximum && compare(*demands.maximum) > (demands.exclusive_maximum ? -1 : 0)) {
      out.add(invalid(
          path, value,
          fmt::format("should be less than {}{}", demands.exclusive_maximum ? "" : "or equal to ", shown(*demands.maximum))));
    }
    ++out.matches;
    return out;
  }

  static void check_multiple(const Json& value, double factor, const Where& path, Result& out) {
    if (factor <= 0) {
      out.add({.kind = Problem::Invalid,
               .name = path.text(),
               .message = fmt::format("factor MultipleOf declared for {} must be positive: {}", path.text(), go_double(factor)),
               .value = &value});
      return;
    }
    bool fits = false;
    if (value.is_number_integer()) fits = value.get<std::int64_t>() % truncated(factor) == 0;
    else fits = is_whole(factor < 1 ? 1 / factor * value.get<double>() : value.get<double>() / factor);
    if (!fits) out.add(invalid(path, value, fmt::format("should be a multiple of {}", go_double(factor))));
  }

  Result check_items(const Json& value, const Node& node, const Where& path, const Json* old) {
    const Demands& demands = node.demands();
    Result out;
    if (node.items) {
      const OldItems old_items(node, old);
      for (std::size_t i = 0; i < value.size(); ++i) {
        out.merge(validate(value[i], *node.items, Where{&path, {}, i, Where::Item}, old_items.find(value[i])));
      }
    }
    const auto size = static_cast<std::int64_t>(value.size());
    if (demands.min_items && size < *demands.min_items)
      out.add(invalid(path, value, fmt::format("should have at least {} items", *demands.min_items)));
    if (demands.max_items && size > *demands.max_items) {
      out.add({.kind = Problem::TooMany,
               .name = path.text(),
               .message = fmt::format("{} in body should have at most {} items", path.text(), *demands.max_items),
               .value = &value,
               .max = *demands.max_items});
    }
    if (demands.unique_items) {
      std::unordered_set<Json> seen;
      const bool twice = std::ranges::any_of(value, [&](const Json& item) { return !seen.insert(item).second; });
      if (twice) out.add(invalid(path, value, "shouldn't contain duplicates"));
    }
    ++out.matches;
    return out;
  }

  // Items are known again by their keys.
  class OldItems {
   public:
    OldItems(const Node& node, const Json* old) : node_(node) {
      if (!old || !old->is_array() || node.list_type != "map") return;
      for (const Json& item : *old) {
        if (item.is_object()) items_.emplace(key_of(item), &item);
      }
    }
    const Json* find(const Json& item) const {
      if (items_.empty() || !item.is_object()) return nullptr;
      const auto found = items_.find(key_of(item));
      return found == items_.end() ? nullptr : found->second;
    }

   private:
    std::string key_of(const Json& item) const {
      std::string out;
      for (const std::string& key : node_.list_map_keys) {
        const auto found = item.find(key);
        if (found != item.end()) append_document(*found, out);
        out += ',';
      }
      return out;
    }
    const Node& node_;
    std::unordered_map<std::string, const Json*> items_;
  };

  static const Json* old_member(const Json* old, const std::string& name) {
    if (!old || !old->is_object()) return nullptr;
    const auto found = old->find(name);
    return found == old->end() ? nullptr : &*found;
  }

  Result check_members(const Json& value, const Node& node, const Where& path, const Json* old, bool root) {
    const Demands& demands = node.demands();
    const auto apart = [&](const std::string& name) { return root && root_metadata_ && name == kMetadata; };
    const auto size = static_cast<std::int64_t>(value.size() + (root && root_metadata_ && !value.contains(kMetadata) ? 1 : 0));
    if (demands.min_properties && size < *demands.min_properties) {
      return one(invalid(path, value, fmt::format("should have at least {} properties", *demands.min_properties)));
    }
    if (demands.max_properties && size > *demands.max_properties) {
      return one({.kind = Problem::TooMany,
                  .name = path.text(),
                  .message = fmt::format("{} in body should have at most {} properties", path.text(), *demands.max_properties),
                  .value = &value,
                  .max = *demands.max_properties});
    }
    Result out;
    for (const auto& [name, member] : value.items()) {
      const Node* own = node.property(name);
      const Where inner{&path, name, 0, own ? Where::Member : Where::Value};
      if (own) {
        if (!apart(name)) out.merge(validate(member, *own, inner, old_member(old, name)));
      } else if (!node.allows_additional) {
        out.add({.kind = Problem::Invalid,
                 .name = path.text(),
                 .message = fmt::format("{} in body is a forbidden property", inner.text()),
                 .value = &kNothing()});
      } else if (node.additional) {
        out.merge(validate(member, *node.additional, inner, old_member(old, name)));
      }
    }
    if (const Node* metadata = node.property(kMetadata); metadata && apart(std::string(kMetadata))) {
      out.merge(validate(*root_metadata_, *metadata, Where{&path, kMetadata, 0, Where::Member}, old_root_metadata_));
    }
    for (const std::string& name : node.required) {
      if (value.contains(name) || apart(name)) continue;
      out.add({.kind = Problem::Required,
               .name = path.text() + "." + name,
               .message = fmt::format("{}.{} in body is required", path.text(), name)});
    }
    return out;
  }

  static Problem whole(std::string message) { return {.kind = Problem::Whole, .name = {}, .message = std::move(message)}; }

  Result check_junctors(const Json& value, const Node& node, const Where& path, const Json* old, bool root) {
    const Demands& demands = node.demands();
    Result out{.problems = {}, .matches = 1};
    if (demands.any_of.empty() && demands.one_of.empty() && demands.all_of.empty() && !demands.not_) return out;
    if (!demands.any_of.empty()) any_of(value, node, path, old, root, out);
    if (!demands.one_of.empty()) one_of(value, node, path, old, root, out);
    if (!demands.all_of.empty()) {
      std::size_t fitting = 0;
      for (const Node* each : demands.all_of) {
        Result result = validate(value, *each, path, old, root);
        fitting += result.valid() ? 1 : 0;
        out.merge(std::move(result));
      }
      if (fitting != demands.all_of.size()) {
        out.add(whole(fmt::format("{} must validate all the schemas (allOf){}", value_text(path.text()),
                                  fitting == 0 ? ". None validated" : "")));
      }
    }
    if (demands.not_ && validate(value, *demands.not_, path, old, root).valid()) {
      out.add(whole(fmt::format("{} must not validate the schema (not)", value_text(path.text()))));
    }
    return out;
  }

  void any_of(const Json& value, const Node& node, const Where& path, const Json* old, bool root, Result& out) {
    std::optional<Result> nearest;
    for (const Node* each : node.demands().any_of) {
      Result result = validate(value, *each, path, old, root);
      if (result.valid()) return out.merge(std::move(result));
      if (!nearest || result.matches > nearest->matches) nearest = std::move(result);
    }
    out.add(whole(fmt::format("{} must validate at least one schema (anyOf)", value_text(path.text()))));
    out.merge(std::move(*nearest));
  }

  void one_of(const Json& value, const Node& node, const Where& path, const Json* old, bool root, Result& out) {
    std::optional<Result> nearest, first;
    std::size_t fitting = 0;
    for (const Node* each : node.demands().one_of) {
      Result result = validate(value, *each, path, old, root);
      if (result.valid()) {
        if (++fitting == 1) first = std::move(result);
      } else if (fitting == 0 && (!nearest || result.matches > nearest->matches)) {
        nearest = std::move(result);
      }
    }
    if (fitting == 1) return out.merge(std::move(*first));
    const std::string found = fitting == 0 ? "Found none valid" : fmt::format("Found {} valid alternatives", fitting);
    out.add(whole(fmt::format("{} must validate one and only one schema (oneOf). {}", value_text(path.text()), found)));
    if (fitting == 0) out.merge(std::move(*nearest));
  }

  static const Json& kNothing() {
    static const Json nothing = "";
    return nothing;
  }

  const Json* root_metadata_;
  const Json* old_root_metadata_;
};

std::string place_of(std::string_view base, std::string_view name) {
  if (name.starts_with('.')) name.remove_prefix(1);
  if (name.empty()) return std::string(base);
  return base.empty() ? std::string(name) : fmt::format("{}.{}", base, name);
}

void tell(const Problem& problem, std::string_view base, Errors& errors) {
  const std::string text = place_of(base, problem.name);
  const Path path = text.empty() ? Path() : Path(text);
  switch (problem.kind) {
    case Problem::Required: return errors.required(path);
    case Problem::TooLong: return errors.too_long(path, static_cast<std::size_t>(problem.max));
    case Problem::TooMany: return errors.too_many(path, problem.value->size(), static_cast<std::size_t>(problem.max));
    case Problem::Type: return errors.type_invalid(path, problem.text, problem.message);
    case Problem::Invalid: return errors.invalid(path, value_text(*problem.value), problem.message);
    case Problem::Whole: return errors.invalid(path, "\"\"", problem.message);
    case Problem::Enum: {
      std::vector<std::string> supported;
      for (const Json& value : problem.node->demands().enum_values)
        supported.push_back(value.is_string() ? value.get<std::string>() : value_text(value));
      return errors.not_supported_json(path, value_text(*problem.value), supported);
    }
  }
}

void tell(const Result& result, std::string_view base, Errors& errors) {
  for (const Problem& problem : result.problems) tell(problem, base, errors);
}

// What a schema may restrict of metadata.
std::optional<Json> names_of(const meta::v1::ObjectMeta* metadata) {
  if (!metadata) return std::nullopt;
  Json out = Json::object();
  if (!metadata->name().empty()) out["name"] = metadata->name();
  if (!metadata->generate_name().empty()) out["generateName"] = metadata->generate_name();
  return out;
}

}  // namespace

void validate_value(const Json& value, const Node& node, std::string_view path, Errors& errors) {
  tell(Validator().validate(value, node, Where{}, nullptr, true), path, errors);
}

void Structural::validate_schema(const Json& value, std::string_view path, Errors& errors) const {
  validate_value(value, root(), path, errors);
}

void Structural::validate(const Json& document, Errors& errors, const meta::v1::ObjectMeta* metadata) const {
  const std::optional<Json> names = names_of(metadata);
  tell(Validator(names ? &*names : nullptr).validate(document, root(), Where{}, nullptr, true), {}, errors);
  validate_embedded(document, {}, false, errors);
  validate_lists(document, {}, errors);
}

void Structural::validate_update(const Json& document, const Json& old, Errors& errors, const meta::v1::ObjectMeta* metadata,
                                 const meta::v1::ObjectMeta* old_metadata) const {
  const std::optional<Json> names = names_of(metadata), old_names = names_of(old_metadata);
  tell(Validator(names ? &*names : nullptr, old_names ? &*old_names : nullptr).validate(document, root(), Where{}, &old, true),
       {}, errors);
  validate_embedded(document, {}, false, errors);
  Errors before;
  validate_lists(old, {}, before);
  if (before.empty()) validate_lists(document, {}, errors);
}

}  // namespace ph::api::structural
