// Sets of JSON web keys (RFC 7517), as issuers of tokens publish them, and the tokens that their keys have signed.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "net/jwt.h"

namespace ph::net {

// Immutable; cheap to copy. Threads: any.
class JwkSet {
 public:
  // One without keys.
  JwkSet();
  ~JwkSet();
  JwkSet(const JwkSet&) = default;
  JwkSet& operator=(const JwkSet&) = default;

  // RSA keys, and EC keys of P-256, P-384 and P-521. What is another key, or not for signatures, is passed over; shared secrets are
  // never taken. Nothing when the text is no set of keys.
  static std::optional<JwkSet> parse(std::string_view json);

  std::size_t size() const;
  // What a token says, when one of the keys has signed it by the algorithm that its header names and that is one of `algorithms`:
  // the key by the id that the header names, or any key, when it names none. Nothing for any other.
  std::optional<Jws> verify(std::string_view token, std::span<const std::string> algorithms) const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

// All of them: RS256, RS384, RS512, ES256, ES384, ES512, PS256, PS384, PS512.
std::span<const std::string> signing_algorithms();

}  // namespace ph::net
