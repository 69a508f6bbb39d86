#include "informers/pod_asks.h"

#include <algorithm>
#include <initializer_list>

#include "api/codec.h"
#include "api/wire_records.h"

namespace ph::informers {

namespace wire = api::wire;

namespace {

bool has(std::string_view message, unsigned field) {
  for (wire::Records in(message); in.next();) {
    if (in.field() == field) return true;
  }
  return false;
}

// Those of its fields, as they stand.
std::string only(std::string_view message, std::initializer_list<unsigned> fields) {
  std::string out;
  for (wire::Records in(message); in.next();) {
    if (std::ranges::find(fields, in.field()) != fields.end()) out += in.whole();
  }
  return out;
}

// A PodAffinityTerm that names namespaces, or selects them.
bool looks_beyond(std::string_view term) { return has(term, 2) || has(term, 4); }

// A PodAffinity or a PodAntiAffinity.
bool has_term_beyond(std::string_view affinity) {
  for (wire::Records in(affinity); in.next();) {
    if (in.field() == 1 && looks_beyond(in.text())) return true;
    if (in.field() == 2 && looks_beyond(wire::member_of(in.text(), 2))) return true;
  }
  return false;
}

void put_affinity(std::string_view affinity, std::string& out) {
  if (!has_term_beyond(wire::member_of(affinity, 2)) && !has_term_beyond(wire::member_of(affinity, 3))) return;
  wire::append_bytes(18, only(affinity, {2, 3}), out);
}

std::string spec_of(std::string_view spec) {
  std::string out;
  for (wire::Records in(spec); in.next();) {
    switch (in.field()) {
      case 2:
      case 20: wire::append_bytes(in.field(), only(in.text(), {1, 8, 24}), out); break;
      case 18: put_affinity(in.text(), out); break;
      case 5:
      case 24:
      case 32:
      case 39:
      case 40: out += in.whole(); break;
    }
  }
  return out;
}

std::string status_of(std::string_view status) {
  std::string out;
  for (wire::Records in(status); in.next();) {
    switch (in.field()) {
      case 2:
        if (wire::member_of(in.text(), 1) == "PodResizePending") wire::append_bytes(2, only(in.text(), {1, 5}), out);
        break;
      case 8:
      case 10:
        if (has(in.text(), 10) || has(in.text(), 11)) wire::append_bytes(in.field(), only(in.text(), {1, 10, 11}), out);
        break;
      case 9:
      case 15:
      case 18:
      case 19:
      case 20: out += in.whole(); break;
    }
  }
  return out;
}

}  // namespace

std::string asks_of(std::string_view pod) {
  std::string out;
  for (wire::Records in(pod); in.next();) {
    if (in.field() == 2) wire::append_bytes(2, spec_of(in.text()), out);
    if (in.field() == 3) wire::append_bytes(3, status_of(in.text()), out);
  }
  return out;
}

core::v1::Pod asked_of(const PodView& pod) {
  core::v1::Pod out;
  api::decode_protobuf(pod.asks.view(), out);
  return out;
}

bool asks_for_devices(const PodView& pod) {
  for (wire::Records in(pod.asks.view()); in.next();) {
    if (in.field() == 2 && has(in.text(), 39)) return true;
    if (in.field() == 3 && has(in.text(), 18)) return true;
  }
  return false;
}

}  // namespace ph::informers
