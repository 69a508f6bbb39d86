// SHA-256 of bytes.
#pragma once

#include <string>
#include <string_view>

namespace ph {

// In lower-case hexadecimal digits.
std::string sha256_hex(std::string_view bytes);

}  // namespace ph
