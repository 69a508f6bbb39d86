// A JSON string, quoted and escaped. Bytes that are not UTF-8 become U+FFFD, as in every answer of the server.
#pragma once

#include <string>
#include <string_view>

namespace ph::apiserver {

void append_json_text(std::string_view text, std::string& out);

}  // namespace ph::apiserver
