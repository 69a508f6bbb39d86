#include "apiserver/admission/webhook/conditions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "api/match_conditions.h"

namespace ph::apiserver::webhook {

namespace cel = api::cel;
using nlohmann::json;

namespace {

// What it says of the request; throws cel::Error.
bool evaluate(const Condition& condition, const cel::Variables& variables) {
  if (!condition.expression) throw cel::Error(condition.error);
  const cel::Value value = condition.expression->evaluate(variables);
  if (const bool* yes = value.as<bool>()) return *yes;
  throw cel::Error(fmt::format("must evaluate to bool but got {}", value.type_name()));
}

}  // namespace

std::vector<Condition> compile(const google::protobuf::RepeatedPtrField<admissionregistration::v1::MatchCondition>& conditions) {
  std::vector<Condition> out;
  for (const auto& condition : conditions) {
    Condition& one = out.emplace_back(Condition{.text = condition.expression(), .expression = {}, .error = {}});
    try {
      one.expression = std::make_shared<const cel::Expression>(api::compile_match_condition(one.text));
    } catch (const cel::Error& error) {
      one.error = error.what();
    }
  }
  return out;
}

cel::Value value_of(const json& document) {
  switch (document.type()) {
    case json::value_t::boolean: return document.get<bool>();
    case json::value_t::number_integer: return document.get<std::int64_t>();
    case json::value_t::number_unsigned:
      // Numbers of documents are int, if they can be.
      if (document.get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        return document.get<double>();
      }
      return document.get<std::int64_t>();
    case json::value_t::number_float: return document.get<double>();
    case json::value_t::string: return document.get<std::string>();
    case json::value_t::array: {
      cel::List items;
      for (const json& item : document) items.push_back(value_of(item));
      return cel::Value::list(std::move(items));
    }
    case json::value_t::object: {
      cel::Map map;
      for (const auto& [key, value] : document.items()) map.entries.emplace_back(cel::Value(key), value_of(value));
      return cel::Value::map(std::move(map));
    }
    default: return cel::Null();
  }
}

Judgement judge(const std::vector<Condition>& conditions, const cel::Variables& variables) {
  std::vector<std::string> errors;
  for (const Condition& condition : conditions) {
    try {
      if (!evaluate(condition, variables)) return {};
    } catch (const cel::Error& error) {
      errors.push_back(fmt::format("expression '{}' resulted in error: {}", condition.text, error.what()));
    }
  }
  if (errors.empty()) return {.holds = true, .error = {}};
  return {.holds = false, .error = errors.size() == 1 ? errors[0] : fmt::format("[{}]", fmt::join(errors, ", "))};
}

}  // namespace ph::apiserver::webhook
