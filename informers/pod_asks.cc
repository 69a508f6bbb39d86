#include "informers/pod_asks.h"

#include <algorithm>
#include <initializer_list>

#include "informers/wire.h"

namespace ph::informers {
namespace {

void put_varint(std::uint64_t value, std::string& out) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

void put_bytes(int field, std::string_view bytes, std::string& out) {
  put_varint(static_cast<std::uint64_t>(field) << 3 | 2, out);
  put_varint(bytes.size(), out);
  out += bytes;
}

void put_number(int field, std::uint64_t number, std::string& out) {
  put_varint(static_cast<std::uint64_t>(field) << 3, out);
  put_varint(number, out);
}

bool has(std::string_view message, int field) {
  for (WireReader in(message); in.next();) {
    if (in.field() == field) return true;
  }
  return false;
}

// Those of its fields that are strings or messages.
std::string only(std::string_view message, std::initializer_list<int> fields) {
  std::string out;
  for (WireReader in(message); in.next();) {
    if (std::ranges::find(fields, in.field()) != fields.end()) put_bytes(in.field(), in.text(), out);
  }
  return out;
}

// A PodAffinityTerm that names namespaces, or selects them.
bool looks_beyond(std::string_view term) { return has(term, 2) || has(term, 4); }

// A PodAffinity or a PodAntiAffinity.
bool has_term_beyond(std::string_view affinity) {
  for (WireReader in(affinity); in.next();) {
    if (in.field() == 1 && looks_beyond(in.text())) return true;
    if (in.field() == 2 && looks_beyond(wire_member(in.text(), 2))) return true;
  }
  return false;
}

void put_affinity(std::string_view affinity, std::string& out) {
  const std::string between_pods = only(affinity, {2, 3});
  if (has_term_beyond(wire_member(affinity, 2)) || has_term_beyond(wire_member(affinity, 3))) put_bytes(18, between_pods, out);
}

std::string spec_of(std::string_view spec) {
  std::string out;
  for (WireReader in(spec); in.next();) {
    switch (in.field()) {
      case 2:
      case 20: put_bytes(in.field(), only(in.text(), {1, 8, 24}), out); break;
      case 5: put_number(5, in.number(), out); break;
      case 18: put_affinity(in.text(), out); break;
      case 24:
      case 32:
      case 40: put_bytes(in.field(), in.text(), out); break;
    }
  }
  return out;
}

std::string status_of(std::string_view status) {
  std::string out;
  for (WireReader in(status); in.next();) {
    switch (in.field()) {
      case 2:
        if (wire_member(in.text(), 1) == "PodResizePending") put_bytes(2, only(in.text(), {1, 5}), out);
        break;
      case 8:
      case 10:
        if (has(in.text(), 10) || has(in.text(), 11)) put_bytes(in.field(), only(in.text(), {1, 10, 11}), out);
        break;
      case 9:
      case 19:
      case 20: put_bytes(in.field(), in.text(), out); break;
    }
  }
  return out;
}

}  // namespace

std::string asks_of(std::string_view pod) {
  std::string out;
  for (WireReader in(pod); in.next();) {
    if (in.field() == 2) put_bytes(2, spec_of(in.text()), out);
    if (in.field() == 3) put_bytes(3, status_of(in.text()), out);
  }
  return out;
}

core::v1::Pod asked_of(const PodView& pod) {
  core::v1::Pod out;
  api::decode_protobuf(pod.asks.view(), out);
  return out;
}

}  // namespace ph::informers
