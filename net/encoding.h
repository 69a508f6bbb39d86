// Encodings and digests that keys, tokens and configurations are made of. Pure functions. Threads: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ph::net {

// RFC 4648, section 4: with padding.
std::string base64(std::string_view bytes);
// RFC 4648, section 5: without padding.
std::string base64url(std::string_view bytes);

// Strict: nothing for foreign characters (white space too), wrong padding, or bits that no encoder would have left.
std::optional<std::string> decode_base64(std::string_view text);
std::optional<std::string> decode_base64url(std::string_view text);

// The 32 bytes of the digest.
std::string sha256(std::string_view bytes);
// Two lower-case digits a byte.
std::string hex(std::string_view bytes);

// Takes as long for any two texts of one length.
bool same_secret(std::string_view a, std::string_view b);

}  // namespace ph::net
