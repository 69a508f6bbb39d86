// Cuts a protobuf message down to some of its fields without parsing the rest.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace ph::scheduler {

// A field to keep: whole, or, when `inside` is not empty, only those fields of it.
struct Kept {
  unsigned number;
  std::span<const Kept> inside = {};
};

// The bytes of `message` without the fields that are not kept. Throws api::DecodeError on damage.
std::string pruned(std::string_view message, std::span<const Kept> kept);
// The last value of a string field by its path of field numbers; empty when absent.
std::string_view string_at(std::string_view message, std::span<const int> path);

}  // namespace ph::scheduler
