#include "apiserver/cache/splice.h"

#include <cstdint>
#include <optional>
#include <stdexcept>

namespace ph::apiserver {
namespace {

constexpr std::string_view kMagic{"k8s\0", 4};

std::uint64_t read_varint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return value;
  }
  throw std::runtime_error("a stored object is damaged");
}

void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

// The place of a length-delimited field: [begin, end) with tag and length, `body` within.
struct Place {
  std::size_t begin, end;
  std::string_view body;
};

// Field `wanted` of a message, or the place where it belongs in ascending order (with an empty body).
Place find_field(std::string_view message, std::uint32_t wanted) {
  std::string_view rest = message;
  while (!rest.empty()) {
    const std::size_t begin = message.size() - rest.size();
    const std::uint64_t tag = read_varint(rest);
    if (tag >> 3 > wanted) return {begin, begin, {}};
    std::size_t length = 0;
    switch (tag & 7) {
      case 0: read_varint(rest); break;
      case 1: length = 8; break;
      case 2: length = read_varint(rest); break;
      case 5: length = 4; break;
      default: throw std::runtime_error("a stored object is damaged");
    }
    if (length > rest.size()) throw std::runtime_error("a stored object is damaged");
    const std::string_view body = rest.substr(0, length);
    rest.remove_prefix(length);
    if (tag >> 3 == wanted) return {begin, message.size() - rest.size(), body};
  }
  return {message.size(), message.size(), {}};
}

std::string replaced(std::string_view message, const Place& place, std::uint32_t field, std::string_view body) {
  std::string out;
  out.reserve(message.size() + body.size() + 12);
  out += message.substr(0, place.begin);
  append_varint(out, field << 3 | 2);
  append_varint(out, body.size());
  out += body;
  out += message.substr(place.end);
  return out;
}

}  // namespace

std::string with_revision(std::string_view envelope, Revision revision) {
  if (!envelope.starts_with(kMagic)) throw std::runtime_error("a stored object has no envelope");
  const std::string_view unknown = envelope.substr(kMagic.size());
  const Place raw = find_field(unknown, 2);
  const Place metadata = find_field(raw.body, 1);
  const Place version = find_field(metadata.body, 6);
  const std::string new_metadata = replaced(metadata.body, version, 6, to_string(revision));
  return std::string(kMagic) + replaced(unknown, raw, 2, replaced(raw.body, metadata, 1, new_metadata));
}

}  // namespace ph::apiserver
