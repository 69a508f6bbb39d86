// All loops there are: controllers/registry.def as a table.
#pragma once

#include <span>
#include <string_view>

#include "controllers/runtime/loop.h"

namespace ph::controllers {

struct LoopEntry {
  std::string_view name;
  std::string_view alias;  // the name before 1.28; empty: none
  void (*entry)(LoopBuilder&);
  bool on_by_default;
  int workers;
};

// In the order of registry.def, which is that of the names.
std::span<const LoopEntry> registry();

// By name or alias; null when there is none.
const LoopEntry* find_loop(std::string_view name);

}  // namespace ph::controllers
