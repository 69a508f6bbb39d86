// HMAC-SHA256 (RFC 2104, FIPS 180-4), by OpenSSL. A pure function. Threads: any.
#pragma once

#include <string>
#include <string_view>

namespace ph {

// The 32 bytes of the code.
std::string hmac_sha256(std::string_view key, std::string_view message);

}  // namespace ph
