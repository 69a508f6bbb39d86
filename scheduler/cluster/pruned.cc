#include "scheduler/cluster/pruned.h"

#include <algorithm>
#include <cstdint>

#include "api/codec.h"

namespace ph::scheduler {
namespace {

enum WireType : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

// Walks the fields of a message, one `next` each.
class Fields {
 public:
  explicit Fields(std::string_view message) : rest_(message) {}

  bool next() {
    if (rest_.empty()) return false;
    const char* start = rest_.data();
    const std::uint64_t tag = varint();
    number = static_cast<int>(tag >> 3);
    type = static_cast<WireType>(tag & 7);
    switch (type) {
      case kVarint: varint(); break;
      case kFixed64: skip(8); break;
      case kFixed32: skip(4); break;
      case kBytes: {
        const std::uint64_t size = varint();
        content = rest_.substr(0, std::min<std::uint64_t>(size, rest_.size()));
        skip(size);
        break;
      }
      default: damaged();
    }
    whole = {start, static_cast<std::size_t>(rest_.data() - start)};
    return true;
  }

  int number = 0;
  WireType type = kVarint;
  std::string_view content;  // of a kBytes field
  std::string_view whole;    // tag included

 private:
  [[noreturn]] static void damaged() { throw api::DecodeError("proto: illegal wireType or truncated message"); }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) damaged();
      const auto byte = static_cast<std::uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    damaged();
  }
  void skip(std::uint64_t size) {
    if (size > rest_.size()) damaged();
    rest_.remove_prefix(size);
  }

  std::string_view rest_;
};

void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

}  // namespace

std::string pruned(std::string_view message, std::span<const Kept> kept) {
  std::string out;
  for (Fields field(message); field.next();) {
    const auto keep = std::ranges::find(kept, field.number, &Kept::number);
    if (keep == kept.end()) continue;
    if (keep->wanted && field.type == kBytes && !keep->wanted(field.content)) continue;
    if (keep->inside.empty() || field.type != kBytes) {
      out += field.whole;
      continue;
    }
    const std::string inner = pruned(field.content, keep->inside);
    append_varint(out, static_cast<std::uint64_t>(field.number) << 3 | kBytes);
    append_varint(out, inner.size());
    out += inner;
  }
  return out;
}

int first_inside(std::string_view message, int number) {
  for (Fields field(message); field.next();) {
    if (field.number != number || field.type != kBytes) continue;
    Fields inner(field.content);
    return inner.next() ? inner.number : 0;
  }
  return 0;
}

std::string_view string_at(std::string_view message, std::span<const int> path) {
  std::string_view found;
  for (Fields field(message); field.next();) {
    if (field.number != path.front() || field.type != kBytes) continue;
    found = path.size() == 1 ? field.content : string_at(field.content, path.subspan(1));
  }
  return found;
}

}  // namespace ph::scheduler
