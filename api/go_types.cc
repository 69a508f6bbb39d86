#include "api/go_types.h"

#include <algorithm>

namespace ph::api {
namespace {

struct GoType {
  std::string_view message, member, type;
};
constexpr GoType kTypes[] = {
#define GO_TYPE(message, member, type) {message, member, type},
#include "api/go_types.def"
#undef GO_TYPE
};

}  // namespace

std::string_view go_type_of(const Field& member) {
  if (member.path.empty()) return {};
  std::string_view message = member.path.back()->containing_type()->full_name();
  message.remove_prefix(std::string_view("ph.").size());
  const auto is_it = [&](const GoType& type) { return type.member == member.name && type.message == message; };
  const auto found = std::ranges::find_if(kTypes, is_it);
  return found == std::end(kTypes) ? std::string_view() : found->type;
}

std::string_view go_item_type(std::string_view type) {
  if (type.starts_with("[]")) return type.substr(2);
  if (type.starts_with("map[")) return type.substr(type.find(']') + 1);
  return {};
}

}  // namespace ph::api
