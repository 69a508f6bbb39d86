// AES in the two forms that stored objects are encrypted in, by OpenSSL. Pure functions. Threads: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ph {

inline constexpr std::size_t kAesBlock = 16, kGcmNonce = 12, kGcmTag = 16;

// Keys have 16, 24 or 32 bytes.
inline bool is_aes_key(std::string_view key) { return key.size() == 16 || key.size() == 24 || key.size() == 32; }

// GCM (NIST SP 800-38D): the ciphertext, and the tag behind it. `with`: what is authenticated and not encrypted. A nonce is used once.
std::string aes_gcm_seal(std::string_view key, std::string_view nonce, std::string_view with, std::string_view plain);
// Nothing when it is not what was sealed with all of these.
std::optional<std::string> aes_gcm_open(std::string_view key, std::string_view nonce, std::string_view with,
                                        std::string_view sealed);

// CBC with PKCS #7 padding; `vector` has a block.
std::string aes_cbc_encrypt(std::string_view key, std::string_view vector, std::string_view plain);
// Nothing when these are no whole blocks, or end in no padding.
std::optional<std::string> aes_cbc_decrypt(std::string_view key, std::string_view vector, std::string_view encrypted);

}  // namespace ph
