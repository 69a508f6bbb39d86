#include "base/aes.h"

#include <openssl/evp.h>

#include <memory>

#include "base/assert.h"

namespace ph {
namespace {

using Cipher = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const EVP_CIPHER* gcm(std::string_view key) {
  return key.size() == 16 ? EVP_aes_128_gcm() : key.size() == 24 ? EVP_aes_192_gcm() : EVP_aes_256_gcm();
}
const EVP_CIPHER* cbc(std::string_view key) {
  return key.size() == 16 ? EVP_aes_128_cbc() : key.size() == 24 ? EVP_aes_192_cbc() : EVP_aes_256_cbc();
}

const unsigned char* bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
int size(std::string_view text) {
  PH_ASSERT(text.size() < (1u << 30));
  return static_cast<int>(text.size());
}

Cipher start(const EVP_CIPHER* kind, std::string_view key, std::string_view vector, bool encrypts) {
  PH_ASSERT(is_aes_key(key));
  Cipher cipher(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  PH_ASSERT(cipher != nullptr);
  PH_ASSERT(EVP_CipherInit_ex(cipher.get(), kind, nullptr, bytes(key), bytes(vector), encrypts ? 1 : 0) == 1);
  return cipher;
}

// All of `in`; nothing when the end is not as it should be.
std::optional<std::string> run(EVP_CIPHER_CTX* cipher, std::string_view in) {
  std::string out(in.size() + kAesBlock, '\0');
  int made = 0, rest = 0;
  if (EVP_CipherUpdate(cipher, bytes(out), &made, bytes(in), size(in)) != 1) return std::nullopt;
  if (EVP_CipherFinal_ex(cipher, bytes(out) + made, &rest) != 1) return std::nullopt;
  out.resize(static_cast<std::size_t>(made + rest));
  return out;
}

void authenticate(EVP_CIPHER_CTX* cipher, std::string_view with) {
  int made = 0;
  PH_ASSERT(EVP_CipherUpdate(cipher, nullptr, &made, bytes(with), size(with)) == 1);
}

}  // namespace

std::string aes_gcm_seal(std::string_view key, std::string_view nonce, std::string_view with, std::string_view plain) {
  PH_ASSERT(nonce.size() == kGcmNonce);
  const Cipher cipher = start(gcm(key), key, nonce, true);
  authenticate(cipher.get(), with);
  std::optional<std::string> out = run(cipher.get(), plain);
  PH_ASSERT(out.has_value());
  std::string tag(kGcmTag, '\0');
  PH_ASSERT(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, static_cast<int>(kGcmTag), tag.data()) == 1);
  return *out + tag;
}

std::optional<std::string> aes_gcm_open(std::string_view key, std::string_view nonce, std::string_view with,
                                        std::string_view sealed) {
  if (nonce.size() != kGcmNonce || sealed.size() < kGcmTag) return std::nullopt;
  const Cipher cipher = start(gcm(key), key, nonce, false);
  authenticate(cipher.get(), with);
  std::string tag(sealed.substr(sealed.size() - kGcmTag));
  PH_ASSERT(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, static_cast<int>(kGcmTag), tag.data()) == 1);
  return run(cipher.get(), sealed.substr(0, sealed.size() - kGcmTag));
}

std::string aes_cbc_encrypt(std::string_view key, std::string_view vector, std::string_view plain) {
  PH_ASSERT(vector.size() == kAesBlock);
  std::optional<std::string> out = run(start(cbc(key), key, vector, true).get(), plain);
  PH_ASSERT(out.has_value());
  return *out;
}

std::optional<std::string> aes_cbc_decrypt(std::string_view key, std::string_view vector, std::string_view encrypted) {
  if (vector.size() != kAesBlock || encrypted.empty() || encrypted.size() % kAesBlock != 0) return std::nullopt;
  return run(start(cbc(key), key, vector, false).get(), encrypted);
}

}  // namespace ph
