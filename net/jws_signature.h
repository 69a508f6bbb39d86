// Signatures of JSON web signatures (RFC 7518, section 3). Only for .cc files of this room.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "net/jwt.h"
#include "net/openssl.h"

namespace ph::net::ssl {

struct JwsAlgorithm {
  std::string_view name;  // "ES256"
  enum class Kind { Pkcs1, Pss, Ecdsa } kind;
  const EVP_MD* (*digest)();
  int curve;  // of ECDSA: its NID
  int half;   // of ECDSA: the bytes of one of the signature's two numbers
};

// Of those with asymmetric keys; null: it is none of them. "none" and those of shared secrets are never known.
const JwsAlgorithm* jws_algorithm(std::string_view name);
// Whether a key is of the kind that the algorithm is for.
bool fits(EVP_PKEY* key, const JwsAlgorithm& algorithm);
// Whether the key has signed `input` so; never when it does not fit.
bool has_signed(EVP_PKEY* key, const JwsAlgorithm& algorithm, std::string_view input, std::string_view signature);
// The signature of `input`. Throws std::runtime_error.
std::string signature_of(EVP_PKEY* key, const JwsAlgorithm& algorithm, std::string_view input);

struct JwsParts {
  Jws jws;
  std::string_view input;  // header.payload, as signed: part of the token
  std::string signature;
};
// Nothing when `token` does not have the form of a compact signature.
std::optional<JwsParts> split_jws(std::string_view token);

}  // namespace ph::net::ssl
