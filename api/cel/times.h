// Durations and timestamps of CEL expressions: what operators and conversions make of them; their functions are in times.cc.
// https://github.com/google/cel-spec/blob/master/doc/langdef.md, "Timestamps and durations". Threads: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "api/cel/value.h"

namespace ph::api::cel {

// Nothing: there is no such operation for these types. They throw Error when the result is out of range.
std::optional<Value> sum_of_times(const Value& a, const Value& b);
std::optional<Value> difference_of_times(const Value& a, const Value& b);

// A duration's nanoseconds, a timestamp's seconds since 1970; "1.5s", "2026-01-01T00:00:00.5Z". Nothing: it is of another type.
std::optional<std::int64_t> number_of_time(const Value& value);
std::optional<std::string> text_of_time(const Value& value);

// Where time zones are found by their names: the bytes of such a file, as tzdata has it; nothing: there is none. It may be called by
// any thread. Set once, before expressions are evaluated. Until then UTC and offsets ("+02:00") are known, and nothing else.
using ZoneFile = std::optional<std::string> (*)(const std::string& name);
void use_zone_files(ZoneFile read);

}  // namespace ph::api::cel
