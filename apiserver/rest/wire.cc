#include "apiserver/rest/wire.h"

namespace ph::apiserver::wire {

using api::wire::append_varint;

std::size_t size_of_bytes(int field, std::size_t length) {
  std::size_t size = length + (field < 16 ? 1 : 2) + 1;
  for (std::size_t rest = length; rest >= 0x80; rest >>= 7) ++size;
  return size;
}

std::string envelope_head(const api::GroupVersionKind& kind, std::size_t raw_size) {
  std::string type_meta;
  append_bytes(1, kind.api_version(), type_meta);
  append_bytes(2, kind.kind, type_meta);
  std::string out("k8s\0", 4);
  append_bytes(1, type_meta, out);
  append_varint(2 << 3 | 2, out);
  append_varint(raw_size, out);
  return out;
}

std::string envelope_tail() {
  std::string out;
  append_bytes(3, {}, out);
  append_bytes(4, {}, out);
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
  append_bytes(1, envelope, object);
  const std::size_t length = size_of_bytes(1, type.size()) + size_of_bytes(2, object.size());
  std::string out;
  out.reserve(length + 4);
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(length >> shift));
  append_bytes(1, type, out);
  append_bytes(2, object, out);
  return out;
}

}  // namespace ph::apiserver::wire
