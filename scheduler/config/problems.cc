#include "scheduler/config/problems.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "scheduler/config/configuration.h"

namespace ph::scheduler {

using nlohmann::json;

void Problems::invalid(std::string_view path, const json& value, std::string_view why) {
  add(fmt::format("{}: Invalid value: {}: {}", path, value.dump(), why));
}

void Problems::required(std::string_view path, std::string_view why) {
  add(why.empty() ? fmt::format("{}: Required value", path) : fmt::format("{}: Required value: {}", path, why));
}

void Problems::duplicate(std::string_view path, const json& value) {
  add(fmt::format("{}: Duplicate value: {}", path, value.dump()));
}

void Problems::unsupported(std::string_view path, const json& value, std::initializer_list<std::string_view> supported) {
  std::vector<std::string> quoted;
  for (const std::string_view one : supported) quoted.push_back(fmt::format("\"{}\"", one));
  add(fmt::format("{}: Unsupported value: {}: supported values: {}", path, value.dump(), fmt::join(quoted, ", ")));
}

void Problems::forbidden(std::string_view path, std::string_view why) { add(fmt::format("{}: Forbidden: {}", path, why)); }

std::string Problems::text() const { return list_.size() == 1 ? list_.front() : fmt::format("[{}]", fmt::join(list_, ", ")); }

void Problems::raise() const {
  if (!empty()) throw ConfigurationError(text());
}

}  // namespace ph::scheduler
