// Continue tokens: where a chunked list goes on, and of which moment it is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ph::apiserver {

struct Continuation {
  std::int64_t revision = 0;  // -1: of no particular moment, after the original one was lost
  std::string start;          // the first key that may follow, without the storage prefix
};

std::string encode_continue(const Continuation& continuation);
// Throws ApiError (400).
Continuation decode_continue(std::string_view token);

}  // namespace ph::apiserver
