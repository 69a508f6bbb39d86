#include "apiserver/authn/token_keys.h"

#include "net/encoding.h"
#include "net/jwt.h"

namespace ph::apiserver {

namespace {

class SignedTokens final : public TokenKeys {
 public:
  explicit SignedTokens(const std::vector<std::string>& keys_pem) : signer_(keys_pem.at(0)), verifier_(keys_pem) {}

  std::string sign(std::string_view payload) const override { return signer_.sign(payload); }

  std::optional<std::string> verify(std::string_view token) const override {
    std::optional<net::Jws> jws = verifier_.verify(token);
    if (!jws) return std::nullopt;
    return std::move(jws->payload);
  }

 private:
  net::JwtSigner signer_;
  net::JwtVerifier verifier_;
};

class SimulatedTokens final : public TokenKeys {
 public:
  std::string sign(std::string_view payload) const override {
    const std::string text = net::base64url(R"({"alg":"none"})") + "." + net::base64url(payload);
    return text + "." + net::base64url(net::sha256(text));
  }

  std::optional<std::string> verify(std::string_view token) const override {
    const auto dot = token.find('.');
    const auto last = token.rfind('.');
    if (dot == last || token.substr(last + 1) != net::base64url(net::sha256(token.substr(0, last)))) return std::nullopt;
    return net::decode_base64url(token.substr(dot + 1, last - dot - 1));
  }
};

}  // namespace

std::unique_ptr<TokenKeys> make_token_keys(const std::vector<std::string>& keys_pem) {
  return std::make_unique<SignedTokens>(keys_pem);
}

std::unique_ptr<TokenKeys> make_simulated_token_keys() { return std::make_unique<SimulatedTokens>(); }

}  // namespace ph::apiserver
