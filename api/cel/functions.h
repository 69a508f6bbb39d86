// The functions of CEL expressions: operators are among them, under the names of the specification (`_+_`).
#pragma once

#include <span>
#include <string_view>

#include "api/cel/value.h"

namespace ph::api::cel {

struct Function {
  std::string_view name;
  bool method;       // target.name(…), the target is the first argument
  std::size_t args;  // the target included
  // Throws Error, also for types it is not for.
  Value (*call)(std::span<const Value> args);
  int cost = 1;  // in steps, besides what the sizes of arguments and result cost
};

// Null: there is none with this name and so many arguments.
const Function* find_function(std::string_view name, bool method, std::size_t args);
// Whether there is one, be it with other arguments.
bool is_function(std::string_view name);

// Those of durations and timestamps (times.cc).
std::span<const Function> time_functions();

[[noreturn]] void no_such_overload(std::string_view name, std::span<const Value> args);

}  // namespace ph::api::cel
