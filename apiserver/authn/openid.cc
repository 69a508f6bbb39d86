#include "apiserver/authn/openid.h"

#include <nlohmann/json.hpp>

#include "net/encoding.h"
#include "net/jwt.h"
#include "net/pki.h"

namespace ph::apiserver {

using nlohmann::json;

namespace {

constexpr std::size_t kCoordinate = 32;
// What the encoded public key of a P-256 key begins with: its algorithm and curve, and that the point is uncompressed.
constexpr std::string_view kP256Prefix(
    "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00\x04", 27);

std::string der_of(std::string_view pem) {
  std::string text;
  const auto begin = pem.find('\n');
  const auto end = pem.find("-----END");
  if (begin == std::string_view::npos || end == std::string_view::npos) return {};
  for (const char c : pem.substr(begin, end - begin)) {
    if (c != '\n' && c != '\r') text.push_back(c);
  }
  return net::decode_base64(text).value_or("");
}

HttpResponse answer(const SharedBytes& body, const char* type) {
  HttpResponse response;
  response.headers.add("Content-Type", type);
  response.headers.add("Cache-Control", "public, max-age=3600");
  response.body.push_back(body);
  return response;
}

}  // namespace

std::string json_web_key(std::string_view key_pem) {
  const std::string der = der_of(net::public_key_pem(key_pem));
  if (!der.starts_with(kP256Prefix) || der.size() != kP256Prefix.size() + 2 * kCoordinate) return {};
  const std::string_view point = std::string_view(der).substr(kP256Prefix.size());
  return json{{"use", "sig"},
              {"kty", "EC"},
              {"kid", net::key_id(key_pem)},
              {"crv", "P-256"},
              {"alg", "ES256"},
              {"x", net::base64url(point.substr(0, kCoordinate))},
              {"y", net::base64url(point.substr(kCoordinate))}}
      .dump();
}

OpenIdHandler::OpenIdHandler(std::string_view issuer, std::string_view address, const std::vector<std::string>& keys_pem) {
  json keys = json::array();
  for (const std::string& pem : keys_pem) {
    const std::string key = json_web_key(pem);
    if (!key.empty()) keys.push_back(json::parse(key));
  }
  keys_ = share(json{{"keys", std::move(keys)}}.dump());
  configuration_ = share(json{
      {"issuer", issuer},
      {"jwks_uri", "https://" + std::string(address) + "/openid/v1/jwks"},
      {"response_types_supported", {"id_token"}},
      {"subject_types_supported", {"public"}},
      {"id_token_signing_alg_values_supported",
       {"ES256"}}}.dump());
}

Task<std::optional<HttpResponse>> OpenIdHandler::try_handle(const HttpRequest& request, const Identity&) {
  if (request.path() == "/.well-known/openid-configuration") co_return answer(configuration_, "application/json");
  if (request.path() == "/openid/v1/jwks") co_return answer(keys_, "application/jwk-set+json");
  co_return std::nullopt;
}

}  // namespace ph::apiserver
