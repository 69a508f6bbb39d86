// Takes an input apart: numbers off its front, the rest as text.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace ph::fuzz {

class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : rest_(bytes) {}
  bool empty() const { return rest_.empty(); }
  // Zero when there is none left.
  std::uint8_t byte() { return empty() ? 0 : static_cast<std::uint8_t>(take(1)[0]); }
  // At most what is there.
  std::string_view take(std::size_t size) {
    const std::string_view out = rest_.substr(0, std::min(size, rest_.size()));
    rest_.remove_prefix(out.size());
    return out;
  }
  // Up to the next `separator`, which is dropped.
  std::string_view until(char separator) {
    const std::string_view out = take(std::min(rest_.find(separator), rest_.size()));
    take(1);
    return out;
  }
  std::string_view rest() { return take(rest_.size()); }

 private:
  std::string_view rest_;
};

}  // namespace ph::fuzz
