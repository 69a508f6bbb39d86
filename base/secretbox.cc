#include "base/secretbox.h"

#include <sodium.h>

#include "base/assert.h"

namespace ph {
namespace {

static_assert(kSecretboxKey == crypto_secretbox_KEYBYTES && kSecretboxNonce == crypto_secretbox_NONCEBYTES);

const unsigned char* bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

}  // namespace

std::string secretbox_seal(std::string_view key, std::string_view nonce, std::string_view plain) {
  PH_ASSERT(key.size() == kSecretboxKey);
  PH_ASSERT(nonce.size() == kSecretboxNonce);
  std::string out(crypto_secretbox_MACBYTES + plain.size(), '\0');
  PH_ASSERT(crypto_secretbox_easy(bytes(out), bytes(plain), plain.size(), bytes(nonce), bytes(key)) == 0);
  return out;
}

std::optional<std::string> secretbox_open(std::string_view key, std::string_view nonce, std::string_view sealed) {
  PH_ASSERT(key.size() == kSecretboxKey);
  if (nonce.size() != kSecretboxNonce || sealed.size() < crypto_secretbox_MACBYTES) return std::nullopt;
  std::string out(sealed.size() - crypto_secretbox_MACBYTES, '\0');
  if (crypto_secretbox_open_easy(bytes(out), bytes(sealed), sealed.size(), bytes(nonce), bytes(key)) != 0) return std::nullopt;
  return out;
}

}  // namespace ph
