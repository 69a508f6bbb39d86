#include "base/hmac.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/assert.h"

namespace ph {

std::string hmac_sha256(std::string_view key, std::string_view message) {
  unsigned char code[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  // A null key would mean "as before", an empty one is a key.
  const char* key_bytes = key.empty() ? "" : key.data();
  const unsigned char* done = HMAC(EVP_sha256(), key_bytes, static_cast<int>(key.size()),
                                   reinterpret_cast<const unsigned char*>(message.data()), message.size(), code, &length);
  PH_ASSERT(done != nullptr);
  return {reinterpret_cast<const char*>(code), length};
}

}  // namespace ph
