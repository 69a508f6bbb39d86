// What signs service account tokens and recognises them. Threads: any.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ph::apiserver {

class TokenKeys {
 public:
  virtual ~TokenKeys() = default;
  // A compact signed token with this payload.
  virtual std::string sign(std::string_view payload) const = 0;
  // The payload of a token that one of the keys has signed; nothing for any other.
  virtual std::optional<std::string> verify(std::string_view token) const = 0;
};

// ES256 with the first key, a private one in PEM; tokens signed with any of them are recognised.
// Throws std::runtime_error when a key cannot be read.
std::unique_ptr<TokenKeys> make_token_keys(const std::vector<std::string>& keys_pem);

// For the simulation, where a signature must be the same in every run: anybody can make these tokens.
std::unique_ptr<TokenKeys> make_simulated_token_keys();

}  // namespace ph::apiserver
