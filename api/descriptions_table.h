// The table that the build makes of the comments in api/proto (api/proto/descriptions/main.cc). Constants without pointers:
// nothing has to be relocated at start, and pages that nobody asks for are never read.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ph::api::descriptions {

struct Message {
  std::uint32_t name;   // where in kTexts: "ph.core.v1.Pod"
  std::uint32_t first;  // of its entries; they end where those of the next message begin
};
struct Entry {
  std::uint32_t number;  // of the field; 0: the message itself
  std::uint32_t text;    // where in kTexts
};

extern const Message kMessages[];  // sorted by name, and one more behind them
extern const std::size_t kMessageCount;
extern const Entry kEntries[];  // sorted by number within a message
extern const char kTexts[];     // each ends with a zero

}  // namespace ph::api::descriptions
