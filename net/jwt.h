// Compact JSON web signatures (RFC 7515) as Kubernetes uses them for service account tokens. The payload is bytes: what it
// says is its reader's business. Threads: any.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ph::net {

// The id of a key as Kubernetes makes it: base64url(SHA-256(DER of the public key)). Takes a private or a public key.
// Throws std::runtime_error when the key cannot be read.
std::string key_id(std::string_view key_pem);

// Signs with one private key: ES256 with one of P-256, RS256 with one of RSA.
class JwtSigner {
 public:
  // Throws std::runtime_error when the key cannot be read or is of another kind.
  explicit JwtSigner(std::string_view private_key_pem);
  ~JwtSigner();

  // `{"alg":"ES256","kid":"…"}`.payload.signature
  std::string sign(std::string_view payload) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// What a token says, decoded. Nothing of it is to be believed before a verifier has accepted the token.
struct Jws {
  std::string header;  // JSON
  std::string payload;
};
// Nothing when `token` does not have the form of a compact signature.
std::optional<Jws> read_jws(std::string_view token);

// Verifies against any of several keys: ES256 for P-256 keys, RS256 for RSA keys. The key decides the algorithm, never the
// token.
class JwtVerifier {
 public:
  // PEM: public keys, private keys or certificates, one each. Throws std::runtime_error.
  explicit JwtVerifier(const std::vector<std::string>& keys_pem);
  ~JwtVerifier();

  // The header and payload of a token that one of the keys has signed; nothing for any other.
  std::optional<Jws> verify(std::string_view token) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ph::net
