// What objects and fields are stored and not acted on: one table, for README.md and for whoever starts the programs.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"

namespace ph::pilothouse {

struct Limit {
  std::string_view what;
  // Who would act, in Kubernetes: names, separated by spaces.
  std::string_view admission, loops, plugins;
  std::string_view here;  // what happens instead
};

std::span<const Limit> limits();

// The parts a program runs.
struct Parts {
  bool apiserver = false, loops = false, scheduler = false;
};

// Of the table, what these parts leave undone: its first column.
std::vector<std::string_view> undone_by(Parts parts);

// Says so in one line; nothing when there is nothing to say.
void warn_of_limits(Parts parts, const Log& log);

// The table in Markdown.
std::string limits_table();

}  // namespace ph::pilothouse
