// Any text as a selector, quantity, time, duration or name: refused, or its canonical text means the same.
#include "api/names.h"
#include "api/quantity.h"
#include "api/selector.h"
#include "api/times.h"
#include "base/assert.h"
#include "tests/fuzz/fuzzers.h"

namespace ph::fuzz {
namespace {

using namespace ph::api;

void check_labels(std::string_view text) {
  LabelSelector selector;
  try {
    selector = LabelSelector::parse(text);
  } catch (const DecodeError&) {
    return;
  }
  const std::string canonical = selector.text();
  const LabelSelector again = LabelSelector::parse(canonical);
  PH_ASSERT(again.text() == canonical);
  PH_ASSERT(again.empty() == selector.empty());
  for (const std::string_view value : {"", "a", "b", "7"}) {
    const Lookup present = [value](std::string_view) { return std::optional(value); };
    PH_ASSERT(again.matches(present) == selector.matches(present));
  }
  const Lookup absent = [](std::string_view) { return std::nullopt; };
  PH_ASSERT(again.matches(absent) == selector.matches(absent));
  for (const Requirement& requirement : selector.requirements()) PH_ASSERT(check_qualified_name(requirement.key).empty());
}

// Values stand in a field selector with a backslash before what would end them.
std::string escaped(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || c == ',' || c == '=') out += '\\';
    out += c;
  }
  return out;
}

void check_fields(std::string_view text) {
  FieldSelector selector;
  try {
    selector = FieldSelector::parse(text);
  } catch (const DecodeError&) {
    return;
  }
  std::string written;
  for (const auto& term : selector.terms()) {
    if (!written.empty()) written += ',';
    written += term.field + (term.equals ? "=" : "!=") + escaped(term.value);
  }
  FieldSelector again;
  try {
    again = FieldSelector::parse(written);
  } catch (const DecodeError&) {
    return;  // a field's name that is not one holds signs that have a meaning
  }
  if (again.terms().size() != selector.terms().size()) return;
  for (std::size_t i = 0; i < again.terms().size(); ++i) PH_ASSERT(again.terms()[i].value == selector.terms()[i].value);
}

void check_quantity(std::string_view text) {
  const auto quantity = Quantity::parse(text);
  PH_ASSERT(quantity.has_value() == quantity_error(text).empty());
  if (!quantity) return;
  const auto again = Quantity::parse(quantity->text());
  PH_ASSERT(again && *again == *quantity);
  PH_ASSERT(again->text() == quantity->text());
  PH_ASSERT(canonical_quantity(text) == quantity->text());
  Quantity sum = *quantity;
  sum += Quantity::of(0);
  PH_ASSERT(sum == *quantity);
  sum -= *quantity;
  PH_ASSERT(sum.is_zero());
  PH_ASSERT(quantity->rounded_up_to_milli().rounded_up_to_milli() == quantity->rounded_up_to_milli());
  quantity->value();
  quantity->milli_value();
}

void check_times(std::string_view text) {
  if (const auto time = parse_rfc3339(text)) {
    PH_ASSERT(parse_rfc3339(rfc3339(*time)));
    const auto seconds = std::chrono::floor<std::chrono::seconds>(*time);
    if (seconds >= Time::min()) PH_ASSERT(parse_rfc3339(rfc3339(*time)) == Time(seconds));
    PH_ASSERT(parse_instant(text));
  }
  if (const auto instant = parse_instant(text)) {
    PH_ASSERT(instant->nanos >= 0 && instant->nanos < 1'000'000'000);
    for (const bool micro : {false, true}) {
      std::string written;
      append_instant(*instant, micro, written);
      const auto again = parse_instant(written);
      if (!again) continue;  // beyond the four digits of a year, by an offset
      PH_ASSERT(again->seconds == instant->seconds);
    }
  }
  if (const auto duration = parse_duration(text)) {
    PH_ASSERT(parse_duration(duration_text(*duration)) == *duration);
    human_duration(*duration);
  }
}

}  // namespace

void selector(std::string_view text) {
  check_labels(text);
  check_fields(text);
  check_quantity(text);
  check_times(text);
  for (const auto check :
       {check_dns1123_label, check_dns1123_subdomain, check_dns1035_label, check_qualified_name, check_label_value,
        check_path_segment, check_port_name, check_config_map_key, check_env_var_name, check_ip}) {
    check(text);
  }
  if (check_dns1035_label(text).empty()) PH_ASSERT(check_dns1123_label(text).empty());
  if (check_dns1123_label(text).empty()) PH_ASSERT(check_dns1123_subdomain(text).empty());
}

}  // namespace ph::fuzz
