#include "scheduler/config/reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "api/times.h"
#include "scheduler/config/configuration.h"

namespace ph::scheduler {

using nlohmann::json;

void Problems::raise() const {
  if (list_.empty()) return;
  if (list_.size() == 1) throw ConfigurationError(list_.front());
  throw ConfigurationError(fmt::format("[{}]", fmt::join(list_, ", ")));
}

namespace {

const json& empty_object() {
  static const json empty = json::object();
  return empty;
}

}  // namespace

Reader::Reader(const json& object, std::string path, Problems& problems)
    : object_(object.is_object() ? object : empty_object()), path_(std::move(path)), problems_(problems) {
  if (!object.is_object() && !object.is_null()) problems_.add(path_, "must be an object");
}

Reader::~Reader() {
  for (const auto& [name, value] : object_.items()) {
    if (!known_.contains(name)) problems_.unknown(path(name));
  }
}

std::string Reader::path(std::string_view name) const {
  return path_.empty() ? std::string(name) : path_ + "." + std::string(name);
}

bool Reader::has(const char* name) const { return object_.contains(name) && !object_.at(name).is_null(); }

const json* Reader::take(const char* name) {
  known_.insert(name);
  return has(name) ? &object_.at(name) : nullptr;
}

template <class T>
void Reader::read_as(const char* name, T& out, bool (json::*is)() const noexcept, const char* type) {
  const json* value = take(name);
  if (!value) return;
  if (!(value->*is)())
    return problems_.add(path(name), fmt::format("cannot unmarshal {} into a field of type {}", value->type_name(), type));
  out = value->get<T>();
}

void Reader::read(const char* name, bool& out) { read_as(name, out, &json::is_boolean, "bool"); }
void Reader::read(const char* name, std::int64_t& out) { read_as(name, out, &json::is_number_integer, "int64"); }
void Reader::read(const char* name, double& out) { read_as(name, out, &json::is_number, "float"); }
void Reader::read(const char* name, std::string& out) { read_as(name, out, &json::is_string, "string"); }

void Reader::read(const char* name, int& out) {
  std::int64_t wide = out;
  read(name, wide);
  if (wide < INT32_MIN || wide > INT32_MAX) return problems_.add(path(name), fmt::format("{} does not fit int32", wide));
  out = static_cast<int>(wide);
}

void Reader::read_duration(const char* name, Duration& out) {
  std::string text;
  read(name, text);
  if (text.empty()) return;
  const auto parsed = api::parse_duration(text);
  if (!parsed) return problems_.add(path(name), fmt::format("time: invalid duration \"{}\"", text));
  out = *parsed;
}

void Reader::read_seconds(const char* name, Duration& out) {
  if (!has(name)) {
    take(name);
    return;
  }
  std::int64_t seconds = 0;
  read(name, seconds);
  constexpr std::int64_t kMax = std::chrono::floor<std::chrono::seconds>(Duration::max()).count();
  if (seconds > kMax || seconds < -kMax) return problems_.add(path(name), fmt::format("{} seconds are too many", seconds));
  out = std::chrono::seconds(seconds);
}

std::vector<std::pair<const json*, std::string>> Reader::items(const char* name) {
  std::vector<std::pair<const json*, std::string>> out;
  const json* list = take(name);
  if (!list) return out;
  if (!list->is_array()) {
    problems_.add(path(name), "must be a list");
    return out;
  }
  for (std::size_t i = 0; i < list->size(); ++i) out.emplace_back(&list->at(i), fmt::format("{}[{}]", path(name), i));
  return out;
}

}  // namespace ph::scheduler
