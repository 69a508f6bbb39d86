// Any text as a CEL expression: refused, or evaluated twice to the same end, within bounds of time and memory.
#include "api/cel/expression.h"
#include "api/cel/times.h"
#include "base/assert.h"
#include "tests/fuzz/fuzzers.h"

namespace ph::fuzz {
namespace {

using namespace ph::api::cel;

const Variables& variables() {
  static const auto* made = [] {
    Map names;
    names.entries.emplace_back(std::string("model"), std::string("h100"));
    names.entries.emplace_back(std::string("version"), *SemVer::parse("1.2.3"));
    names.entries.emplace_back(std::string("memory"), *api::Quantity::parse("40Gi"));
    Map domains;
    domains.entries.emplace_back(std::string("gpu.io"), Value::map(std::move(names)));
    domains.otherwise = Value::map({});
    Map device;
    device.entries.emplace_back(std::string("driver"), std::string("gpu.io"));
    device.entries.emplace_back(std::string("attributes"), Value::map(std::move(domains)));
    return new Variables{{"device", Value::map(std::move(device))}};
  }();
  return *made;
}

// The type of what comes out, of times the text, or what went wrong.
std::string outcome(const Expression& expression) {
  try {
    const Value value = expression.evaluate(variables());
    const std::optional<std::string> time = text_of_time(value);
    return time ? *time : std::string(value.type_name());
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace

void cel(std::string_view text) {
  static constexpr std::string_view kNames[] = {"device"};
  try {
    const Expression expression = Expression::compile(text, kNames);
    PH_ASSERT(outcome(expression) == outcome(expression));
  } catch (const Error&) {
  }
}

}  // namespace ph::fuzz
