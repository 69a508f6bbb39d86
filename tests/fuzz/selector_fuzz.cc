// Any text as a selector, quantity or time: refused, or its canonical text means the same.
#include <cstdint>

#include "api/quantity.h"
#include "api/selector.h"
#include "api/times.h"
#include "base/assert.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ph::api;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const std::string canonical = LabelSelector::parse(text).text();
    PH_ASSERT(LabelSelector::parse(canonical).text() == canonical);
  } catch (const DecodeError&) {
  }
  try {
    FieldSelector::parse(text);
  } catch (const DecodeError&) {
  }
  if (const auto quantity = Quantity::parse(text)) {
    const auto again = Quantity::parse(quantity->text());
    PH_ASSERT(again && *again == *quantity);
    PH_ASSERT(again->text() == quantity->text());
  }
  if (const auto time = parse_rfc3339(text)) PH_ASSERT(parse_rfc3339(rfc3339(*time)));
  if (const auto duration = parse_duration(text)) PH_ASSERT(parse_duration(duration_text(*duration)) == *duration);
  return 0;
}
