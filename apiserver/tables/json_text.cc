#include "apiserver/tables/json_text.h"

#include <nlohmann/json.hpp>

namespace ph::apiserver {

void append_json_text(std::string_view text, std::string& out) {
  const bool plain = text.find_first_of("\"\\") == std::string_view::npos &&
                     std::ranges::all_of(text, [](unsigned char c) { return c >= 0x20 && c < 0x7f; });
  if (plain) {
    out += '"';
    out += text;
    out += '"';
    return;
  }
  out += nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace ph::apiserver
