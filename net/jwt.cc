#include "net/jwt.h"

#include "net/encoding.h"
#include "net/jws_signature.h"
#include "net/openssl.h"

namespace ph::net {
namespace {

using ssl::check;

// The algorithm that a key is used with; null: with none.
const ssl::JwsAlgorithm* algorithm_of(EVP_PKEY* key) {
  for (const char* name : {"ES256", "RS256"}) {
    const ssl::JwsAlgorithm* algorithm = ssl::jws_algorithm(name);
    if (ssl::fits(key, *algorithm)) return algorithm;
  }
  return nullptr;
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

}  // namespace

std::string key_id(std::string_view key_pem) { return id_of(read_key(key_pem).get()); }

struct JwtSigner::Impl {
  ssl::Key key;
  const ssl::JwsAlgorithm* algorithm = nullptr;
  std::string header;  // encoded
};

JwtSigner::JwtSigner(std::string_view private_key_pem) : impl_(std::make_unique<Impl>()) {
  impl_->key = ssl::read_private_key(private_key_pem);
  impl_->algorithm = algorithm_of(impl_->key.get());
  if (!impl_->algorithm) throw std::runtime_error("tokens are signed with P-256 or RSA keys only");
  impl_->header = base64url(std::string(R"({"alg":")") + std::string(impl_->algorithm->name) + R"(","kid":")" +
                            id_of(impl_->key.get()) + R"("})");
}
JwtSigner::~JwtSigner() = default;

std::string JwtSigner::sign(std::string_view payload) const {
  const std::string input = impl_->header + "." + base64url(payload);
  return input + "." + base64url(ssl::signature_of(impl_->key.get(), *impl_->algorithm, input));
}

std::optional<Jws> read_jws(std::string_view token) {
  auto parts = ssl::split_jws(token);
  if (!parts) return std::nullopt;
  return std::move(parts->jws);
}

struct JwtVerifier::Impl {
  struct Key {
    ssl::Key key;
    const ssl::JwsAlgorithm* algorithm;
  };
  std::vector<Key> keys;
};

JwtVerifier::JwtVerifier(const std::vector<std::string>& keys_pem) : impl_(std::make_unique<Impl>()) {
  for (const auto& pem : keys_pem) {
    ssl::Key key = read_key(pem);
    const ssl::JwsAlgorithm* algorithm = algorithm_of(key.get());
    if (!algorithm) throw std::runtime_error("tokens are verified with P-256 or RSA keys only");
    impl_->keys.push_back({std::move(key), algorithm});
  }
}
JwtVerifier::~JwtVerifier() = default;

std::optional<Jws> JwtVerifier::verify(std::string_view token) const {
  auto parts = ssl::split_jws(token);
  if (!parts) return std::nullopt;
  for (const auto& [key, algorithm] : impl_->keys) {
    if (ssl::has_signed(key.get(), *algorithm, parts->input, parts->signature)) return std::move(parts->jws);
  }
  return std::nullopt;
}

}  // namespace ph::net
