// Authenticated encryption as NaCl's secretbox: XSalsa20 and Poly1305 ("Cryptography in NaCl", D. J. Bernstein). Pure functions. Threads:
// any.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ph {

inline constexpr std::size_t kSecretboxKey = 32, kSecretboxNonce = 24;

// The tag, and the ciphertext behind it. A nonce is used once.
std::string secretbox_seal(std::string_view key, std::string_view nonce, std::string_view plain);
// Nothing when it is not what was sealed with these.
std::optional<std::string> secretbox_open(std::string_view key, std::string_view nonce, std::string_view sealed);

}  // namespace ph
