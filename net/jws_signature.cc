#include "net/jws_signature.h"

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/rsa.h>

#include "net/encoding.h"

namespace ph::net::ssl {
namespace {

using Context = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, Deleter<ECDSA_SIG_free>>;
using enum JwsAlgorithm::Kind;

constexpr JwsAlgorithm kAlgorithms[] = {
    {"ES256", Ecdsa, &EVP_sha256, NID_X9_62_prime256v1, 32},
    {"ES384", Ecdsa, &EVP_sha384, NID_secp384r1, 48},
    {"ES512", Ecdsa, &EVP_sha512, NID_secp521r1, 66},
    {"RS256", Pkcs1, &EVP_sha256, 0, 0},
    {"RS384", Pkcs1, &EVP_sha384, 0, 0},
    {"RS512", Pkcs1, &EVP_sha512, 0, 0},
    {"PS256", Pss, &EVP_sha256, 0, 0},
    {"PS384", Pss, &EVP_sha384, 0, 0},
    {"PS512", Pss, &EVP_sha512, 0, 0},
};

const unsigned char* as_bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

// OpenSSL speaks DER, web signatures two numbers side by side.
std::string to_der(std::string_view raw, int half) {
  if (raw.size() != 2 * static_cast<std::size_t>(half)) return {};
  const Signature pair(ECDSA_SIG_new());
  BIGNUM* r = BN_bin2bn(as_bytes(raw), half, nullptr);
  BIGNUM* s = BN_bin2bn(as_bytes(raw) + half, half, nullptr);
  ECDSA_SIG_set0(pair.get(), r, s);
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &der);
  if (size <= 0) return {};
  std::string out(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return out;
}

std::string from_der(std::string_view der, int half) {
  const unsigned char* at = as_bytes(der);
  const Signature pair(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  check(pair != nullptr, "cannot read a signature");
  std::string raw(2 * static_cast<std::size_t>(half), '\0');
  auto* out = reinterpret_cast<unsigned char*>(raw.data());
  check(BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), out, half) == half &&
            BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), out + half, half) == half,
        "cannot write a signature");
  return raw;
}

bool set_padding(EVP_PKEY_CTX* of, const JwsAlgorithm& algorithm) {
  if (algorithm.kind != Pss) return true;
  return EVP_PKEY_CTX_set_rsa_padding(of, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(of, RSA_PSS_SALTLEN_DIGEST) == 1;
}

}  // namespace

const JwsAlgorithm* jws_algorithm(std::string_view name) {
  for (const JwsAlgorithm& each : kAlgorithms) {
    if (each.name == name) return &each;
  }
  return nullptr;
}

bool fits(EVP_PKEY* key, const JwsAlgorithm& algorithm) {
  if (algorithm.kind != Ecdsa) return EVP_PKEY_is_a(key, "RSA");
  char group[32] = {};
  std::size_t size = 0;
  return EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof group, &size) == 1 &&
         OBJ_sn2nid(group) == algorithm.curve;
}

bool has_signed(EVP_PKEY* key, const JwsAlgorithm& algorithm, std::string_view input, std::string_view signature) {
  if (!fits(key, algorithm)) return false;
  std::string der;
  if (algorithm.kind == Ecdsa) {
    der = to_der(signature, algorithm.half);
    signature = der;
  }
  const Context context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* settings = nullptr;
  const bool good = !signature.empty() && EVP_DigestVerifyInit(context.get(), &settings, algorithm.digest(), nullptr, key) == 1 &&
                    set_padding(settings, algorithm) &&
                    EVP_DigestVerify(context.get(), as_bytes(signature), signature.size(), as_bytes(input), input.size()) == 1;
  ERR_clear_error();
  return good;
}

std::string signature_of(EVP_PKEY* key, const JwsAlgorithm& algorithm, std::string_view input) {
  const Context context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* settings = nullptr;
  std::size_t size = 0;
  check(EVP_DigestSignInit(context.get(), &settings, algorithm.digest(), nullptr, key) == 1 && set_padding(settings, algorithm) &&
            EVP_DigestSign(context.get(), nullptr, &size, as_bytes(input), input.size()) == 1,
        "cannot sign");
  std::string signature(size, '\0');
  check(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, as_bytes(input), input.size()) ==
            1,
        "cannot sign");
  signature.resize(size);
  return algorithm.kind == Ecdsa ? from_der(signature, algorithm.half) : signature;
}

std::optional<JwsParts> split_jws(std::string_view token) {
  const auto first = token.find('.');
  const auto second = first == token.npos ? token.npos : token.find('.', first + 1);
  if (second == token.npos || token.find('.', second + 1) != token.npos) return std::nullopt;
  auto header = decode_base64url(token.substr(0, first));
  auto payload = decode_base64url(token.substr(first + 1, second - first - 1));
  auto signature = decode_base64url(token.substr(second + 1));
  if (!header || !payload || !signature) return std::nullopt;
  return JwsParts{{std::move(*header), std::move(*payload)}, token.substr(0, second), std::move(*signature)};
}

}  // namespace ph::net::ssl
