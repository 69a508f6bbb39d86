#include "apiserver/rest/wire.h"

namespace ph::apiserver::wire {

void append_varint(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

void append_bytes(std::string& out, int field, std::string_view bytes) {
  append_varint(out, static_cast<std::uint64_t>(field) << 3 | 2);
  append_varint(out, bytes.size());
  out += bytes;
}

std::size_t size_of_bytes(int field, std::size_t length) {
  std::size_t size = length + (field < 16 ? 1 : 2) + 1;
  for (std::size_t rest = length; rest >= 0x80; rest >>= 7) ++size;
  return size;
}

std::string envelope_head(const api::GroupVersionKind& kind, std::size_t raw_size) {
  std::string type_meta;
  append_bytes(type_meta, 1, kind.api_version());
  append_bytes(type_meta, 2, kind.kind);
  std::string out("k8s\0", 4);
  append_bytes(out, 1, type_meta);
  append_varint(out, 2 << 3 | 2);
  append_varint(out, raw_size);
  return out;
}

std::string envelope_tail() {
  std::string out;
  append_bytes(out, 3, {});
  append_bytes(out, 4, {});
  return out;
}

std::string envelope(const api::GroupVersionKind& kind, std::string_view raw) {
  std::string out = envelope_head(kind, raw.size());
  out.reserve(out.size() + raw.size() + 8);
  out += raw;
  out += envelope_tail();
  return out;
}

std::string watch_frame(std::string_view type, std::string_view envelope) {
  std::string object;
  object.reserve(size_of_bytes(1, envelope.size()));
  append_bytes(object, 1, envelope);
  const std::size_t length = size_of_bytes(1, type.size()) + size_of_bytes(2, object.size());
  std::string out;
  out.reserve(length + 4);
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(length >> shift));
  append_bytes(out, 1, type);
  append_bytes(out, 2, object);
  return out;
}

}  // namespace ph::apiserver::wire
