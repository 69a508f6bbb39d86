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
  bool (*wanted)(std::string_view content) = nullptr;  // of a message: whether this one is kept; none: all
};

// The bytes of `message` without the fields that are not kept. Throws api::DecodeError on damage.
std::string pruned(std::string_view message, std::span<const Kept> kept);
// The number of the first field of the message that is field `number` of `message`; 0: there is none.
unsigned first_inside(std::string_view message, unsigned number);
// The last value of a string field by its path of field numbers; empty when absent.
std::string_view string_at(std::string_view message, std::span<const int> path);

}  // namespace ph::scheduler
