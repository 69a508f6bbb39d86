#include "api/structural/scale.h"

#include <functional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/structural/document.h"

namespace ph::api::structural {

using Json = nlohmann::json;

namespace {

// Calls `f` with each name of `.spec.replicas`.
template <class F>
void for_each_name(std::string_view path, F&& f) {
  if (path.starts_with('.')) path.remove_prefix(1);
  while (true) {
    const auto dot = std::min(path.find('.'), path.size());
    f(path.substr(0, dot), dot == path.size());
    if (dot == path.size()) return;
    path.remove_prefix(dot + 1);
  }
}

std::string_view go_type(const Json& value) {
  if (value.is_boolean()) return "bool";
  if (value.is_number_float()) return "float64";
  if (value.is_number()) return "int64";
  if (value.is_string()) return "string";
  return value.is_null() ? "<nil>" : value.is_array() ? "[]interface {}" : "map[string]interface {}";
}

// As Go prints a value of any type.
std::string shown(const Json& value) {
  if (value.is_null()) return "<nil>";
  if (value.is_array()) {
    std::string out = "[";
    for (const Json& item : value) out.append(out.size() > 1 ? " " : "").append(shown(item));
    return out + "]";
  }
  if (!value.is_object()) return plain_text(value);
  std::string out = "map[";
  for (const auto& [name, member] : value.items())
    out.append(out.size() > 4 ? " " : "").append(name).append(":").append(shown(member));
  return out + "]";
}

// What is wrong with reading a value of a type at a path; empty when it is there or nothing is.
std::string accessor_error(const Json& document, std::string_view path, std::string_view type) {
  const Json* at = &document;
  std::string walked, out;
  for_each_name(path, [&](std::string_view name, bool) {
    if (!at || !out.empty()) return;
    if (!at->is_object()) {
      out = fmt::format("{} accessor error: {} is of the type {}, expected map[string]interface{{}}", walked, shown(*at),
                        go_type(*at));
      return;
    }
    walked.append(".").append(name);
    const auto found = at->find(std::string(name));
    at = found == at->end() ? nullptr : &*found;
  });
  if (!out.empty() || !at || go_type(*at) == type) return out;
  return fmt::format("{} accessor error: {} is of the type {}, expected {}", walked, shown(*at), go_type(*at), type);
}

void check_replicas(const Json& document, std::string_view path, Errors& errors) {
  if (const std::string why = accessor_error(document, path, "int64"); !why.empty())
    return errors.invalid(Path(path), std::int64_t{0}, why);
  const std::int64_t replicas = replicas_at(document, path).value_or(0);
  if (replicas < 0) errors.invalid(Path(path), replicas, "should be a non-negative integer");
  if (replicas > INT32_MAX) errors.invalid(Path(path), replicas, fmt::format("should be less than or equal to {}", INT32_MAX));
}

}  // namespace

const Json* value_at(const Json& document, std::string_view path) {
  const Json* at = &document;
  for_each_name(path, [&](std::string_view name, bool) {
    if (!at) return;
    const auto found = at->is_object() ? at->find(std::string(name)) : at->end();
    at = !at->is_object() || found == at->end() ? nullptr : &*found;
  });
  return at;
}

void set_value_at(Json& document, std::string_view path, Json value) {
  Json* at = &document;
  for_each_name(path, [&](std::string_view name, bool last) {
    if (at->is_null()) *at = Json::object();
    if (!at->is_object())
      throw DecodeError(fmt::format("value cannot be set because {} is not a map[string]interface{{}}", path));
    at = &(*at)[std::string(name)];
    if (last) *at = std::move(value);
  });
}

std::optional<std::int64_t> replicas_at(const Json& document, std::string_view path) {
  const Json* found = value_at(document, path);
  return found && found->is_number_integer() ? std::optional(found->get<std::int64_t>()) : std::nullopt;
}

std::string selector_at(const Json& document, std::string_view path) {
  const Json* found = value_at(document, path);
  return found && found->is_string() ? found->get<std::string>() : std::string();
}

void validate_scale(const ScalePaths& paths, const Json& document, Errors& errors) {
  check_replicas(document, paths.spec_replicas_path(), errors);
  check_replicas(document, paths.status_replicas_path(), errors);
  if (paths.label_selector_path().empty()) return;
  const std::string why = accessor_error(document, paths.label_selector_path(), "string");
  if (!why.empty()) errors.invalid_text(Path(paths.label_selector_path()), "", why);
}

}  // namespace ph::api::structural
