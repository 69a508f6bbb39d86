#include "pilothouse/version.h"

namespace ph::pilothouse {

BuildInfo build_info() {
#if defined(__aarch64__)
  constexpr const char* kPlatform = "linux/arm64";
#else
  constexpr const char* kPlatform = "linux/amd64";
#endif
  // No commit and no date: the same sources make the same program.
  return {.git_version = kVersion,
          .git_commit = {},
          .git_tree_state = "clean",
          .build_date = "1970-01-01T00:00:00Z",
          .major = "1",
          .minor = "36",
          .compiler = "clang",
          .platform = kPlatform};
}

}  // namespace ph::pilothouse
