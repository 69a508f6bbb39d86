#include "net/jwt.h"

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/rsa.h>

#include "net/encoding.h"
#include "net/openssl.h"

namespace ph::net {
namespace {

using ssl::check;

using Context = std::unique_ptr<EVP_MD_CTX, ssl::Deleter<EVP_MD_CTX_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, ssl::Deleter<ECDSA_SIG_free>>;

constexpr int kHalf = 32;  // of an ES256 signature: r, then s

const unsigned char* as_bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

bool is_p256(EVP_PKEY* key) {
  char group[32] = {};
  std::size_t size = 0;
  return EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof group, &size) == 1 &&
         OBJ_sn2nid(group) == NID_X9_62_prime256v1;
}

ssl::Key read_key(std::string_view pem) {
  ssl::Key key(PEM_read_bio_PUBKEY(ssl::reader(pem).get(), nullptr, nullptr, nullptr));
  if (!key) key.reset(PEM_read_bio_PrivateKey(ssl::reader(pem).get(), nullptr, ssl::no_password, nullptr));
  if (!key) {
    const ssl::Cert cert(PEM_read_bio_X509(ssl::reader(pem).get(), nullptr, nullptr, nullptr));
    if (cert) key.reset(X509_get_pubkey(cert.get()));
  }
  check(key != nullptr, "cannot read a key");
  ERR_clear_error();
  return key;
}

std::string id_of(EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  check(size > 0, "cannot encode a public key");
  const std::string id = base64url(sha256(std::string_view(reinterpret_cast<char*>(der), static_cast<std::size_t>(size))));
  OPENSSL_free(der);
  return id;
}

// OpenSSL speaks DER, web signatures two numbers side by side.
std::string to_der(std::string_view raw) {
  if (raw.size() != 2 * kHalf) return {};
  const Signature pair(ECDSA_SIG_new());
  BIGNUM* r = BN_bin2bn(as_bytes(raw), kHalf, nullptr);
  BIGNUM* s = BN_bin2bn(as_bytes(raw) + kHalf, kHalf, nullptr);
  ECDSA_SIG_set0(pair.get(), r, s);
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &der);
  if (size <= 0) return {};
  std::string out(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return out;
}

std::string from_der(std::string_view der) {
  const unsigned char* at = as_bytes(der);
  const Signature pair(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  check(pair != nullptr, "cannot read a signature");
  std::string raw(2 * kHalf, '\0');
  auto* out = reinterpret_cast<unsigned char*>(raw.data());
  check(BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), out, kHalf) == kHalf &&
            BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), out + kHalf, kHalf) == kHalf,
        "cannot write a signature");
  return raw;
}

bool signed_by(EVP_PKEY* key, std::string_view input, std::string_view signature) {
  std::string der;
  if (EVP_PKEY_is_a(key, "EC")) {
    der = to_der(signature);
    signature = der;
  }
  const Context context(EVP_MD_CTX_new());
  const bool good = !signature.empty() && EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
                    EVP_DigestVerify(context.get(), as_bytes(signature), signature.size(), as_bytes(input), input.size()) == 1;
  ERR_clear_error();
  return good;
}

struct Parts {
  Jws jws;
  std::string_view input;  // header.payload, as signed
  std::string signature;
};

std::optional<Parts> split(std::string_view token) {
  const auto first = token.find('.');
  const auto second = first == token.npos ? token.npos : token.find('.', first + 1);
  if (second == token.npos || token.find('.', second + 1) != token.npos) return std::nullopt;
  auto header = decode_base64url(token.substr(0, first));
  auto payload = decode_base64url(token.substr(first + 1, second - first - 1));
  auto signature = decode_base64url(token.substr(second + 1));
  if (!header || !payload || !signature) return std::nullopt;
  return Parts{{std::move(*header), std::move(*payload)}, token.substr(0, second), std::move(*signature)};
}

}  // namespace

std::string key_id(std::string_view key_pem) { return id_of(read_key(key_pem).get()); }

struct JwtSigner::Impl {
  ssl::Key key;
  bool is_rsa = false;
  std::string header;  // encoded
};

JwtSigner::JwtSigner(std::string_view private_key_pem) : impl_(std::make_unique<Impl>()) {
  impl_->key = ssl::read_private_key(private_key_pem);
  impl_->is_rsa = EVP_PKEY_is_a(impl_->key.get(), "RSA");
  if (!impl_->is_rsa && !is_p256(impl_->key.get())) throw std::runtime_error("tokens are signed with P-256 or RSA keys only");
  const char* algorithm = impl_->is_rsa ? "RS256" : "ES256";
  impl_->header = base64url(std::string(R"({"alg":")") + algorithm + R"(","kid":")" + id_of(impl_->key.get()) + R"("})");
}
JwtSigner::~JwtSigner() = default;

std::string JwtSigner::sign(std::string_view payload) const {
  std::string token = impl_->header + "." + base64url(payload);
  const Context context(EVP_MD_CTX_new());
  std::size_t size = 0;
  check(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, impl_->key.get()) == 1 &&
            EVP_DigestSign(context.get(), nullptr, &size, as_bytes(token), token.size()) == 1,
        "cannot sign");
  std::string signature(size, '\0');
  check(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, as_bytes(token), token.size()) ==
            1,
        "cannot sign");
  signature.resize(size);
  // One of RSA is as web signatures have it.
  return token + "." + base64url(impl_->is_rsa ? signature : from_der(signature));
}

std::optional<Jws> read_jws(std::string_view token) {
  auto parts = split(token);
  if (!parts) return std::nullopt;
  return std::move(parts->jws);
}

struct JwtVerifier::Impl {
  std::vector<ssl::Key> keys;
};

JwtVerifier::JwtVerifier(const std::vector<std::string>& keys_pem) : impl_(std::make_unique<Impl>()) {
  for (const auto& pem : keys_pem) {
    impl_->keys.push_back(read_key(pem));
    EVP_PKEY* key = impl_->keys.back().get();
    if (!is_p256(key) && !EVP_PKEY_is_a(key, "RSA")) throw std::runtime_error("tokens are verified with P-256 or RSA keys only");
  }
}
JwtVerifier::~JwtVerifier() = default;

std::optional<Jws> JwtVerifier::verify(std::string_view token) const {
  auto parts = split(token);
  if (!parts) return std::nullopt;
  for (const auto& key : impl_->keys) {
    if (signed_by(key.get(), parts->input, parts->signature)) return std::move(parts->jws);
  }
  return std::nullopt;
}

}  // namespace ph::net
