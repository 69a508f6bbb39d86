// Assertions that stay on in release builds: they state what must be true whatever the outside does.
#pragma once

namespace ph {

// Prints what failed and where to stderr, then aborts.
[[noreturn]] void assertion_failed(const char* what, const char* file, int line);

}  // namespace ph

#define PH_ASSERT(condition)                                  \
  do {                                                        \
    if (!(condition)) [[unlikely]]                            \
      ::ph::assertion_failed(#condition, __FILE__, __LINE__); \
  } while (false)
