#include "net/jwk_set.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include <algorithm>
#include <vector>

#include <nlohmann/json.hpp>

#include "net/encoding.h"
#include "net/jws_signature.h"

namespace ph::net {
namespace {

using nlohmann::json;
using Number = std::unique_ptr<BIGNUM, ssl::Deleter<BN_free>>;
using Builder = std::unique_ptr<OSSL_PARAM_BLD, ssl::Deleter<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, ssl::Deleter<OSSL_PARAM_free>>;
using Maker = std::unique_ptr<EVP_PKEY_CTX, ssl::Deleter<EVP_PKEY_CTX_free>>;

constexpr std::size_t kKeysMax = 256;
constexpr int kRsaBitsMin = 1024, kRsaBitsMax = 16384;  // a larger one would cost too much for each token

struct Curve {
  std::string_view name;  // as keys have it
  const char* group;      // as OpenSSL has it
  std::size_t bytes;      // of a coordinate
};
constexpr Curve kCurves[] = {{"P-256", "P-256", 32}, {"P-384", "P-384", 48}, {"P-521", "P-521", 66}};

std::string text_at(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string bytes_at(const json& object, const char* name) { return decode_base64url(text_at(object, name)).value_or(""); }

Number number(const std::string& bytes) {
  return Number(BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()), nullptr));
}

// Null when OpenSSL takes no such key.
ssl::Key make_key(const char* type, OSSL_PARAM_BLD* builder) {
  const Params params(OSSL_PARAM_BLD_to_param(builder));
  const Maker maker(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (params && maker && EVP_PKEY_fromdata_init(maker.get()) == 1) {
    EVP_PKEY_fromdata(maker.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get());
  }
  ERR_clear_error();
  return ssl::Key(key);
}

ssl::Key rsa_key(const json& from) {
  const Number n = number(bytes_at(from, "n")), e = number(bytes_at(from, "e"));
  const int bits = BN_num_bits(n.get());
  if (bits < kRsaBitsMin || bits > kRsaBitsMax || !BN_is_odd(e.get()) || BN_is_one(e.get())) return nullptr;
  if (BN_num_bits(e.get()) > 32) return nullptr;
  const Builder builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get());
  return make_key("RSA", builder.get());
}

ssl::Key ec_key(const json& from) {
  const auto curve = std::ranges::find(kCurves, text_at(from, "crv"), &Curve::name);
  if (curve == std::end(kCurves)) return nullptr;
  const std::string x = bytes_at(from, "x"), y = bytes_at(from, "y");
  if (x.size() != curve->bytes || y.size() != curve->bytes) return nullptr;
  const std::string point = "\x04" + x + y;
  const Builder builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve->group, 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size());
  return make_key("EC", builder.get());
}

const std::vector<std::string>& all_algorithms() {
  static const std::vector<std::string> all{"RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512"};
  return all;
}

}  // namespace

struct JwkSet::Impl {
  struct Key {
    std::string id, algorithm;  // the algorithm may be empty: any that the key fits
    ssl::Key key;
  };
  std::vector<Key> keys;
};

JwkSet::JwkSet() : impl_(std::make_shared<const Impl>()) {}
JwkSet::~JwkSet() = default;

std::optional<JwkSet> JwkSet::parse(std::string_view text) {
  const json document = json::parse(text, nullptr, false);
  if (!document.is_object()) return std::nullopt;
  const auto keys = document.find("keys");
  if (keys == document.end() || !keys->is_array() || keys->size() > kKeysMax) return std::nullopt;
  auto impl = std::make_shared<Impl>();
  for (const json& each : *keys) {
    if (!each.is_object()) continue;
    if (const std::string use = text_at(each, "use"); !use.empty() && use != "sig") continue;
    const std::string type = text_at(each, "kty");
    ssl::Key key = type == "RSA" ? rsa_key(each) : type == "EC" ? ec_key(each) : nullptr;
    if (key) impl->keys.push_back({text_at(each, "kid"), text_at(each, "alg"), std::move(key)});
  }
  JwkSet out;
  out.impl_ = std::move(impl);
  return out;
}

std::size_t JwkSet::size() const { return impl_->keys.size(); }

std::optional<Jws> JwkSet::verify(std::string_view token, std::span<const std::string> algorithms) const {
  auto parts = ssl::split_jws(token);
  if (!parts) return std::nullopt;
  const json header = json::parse(parts->jws.header, nullptr, false);
  // "crit" names what must be understood, and nothing of that is.
  if (!header.is_object() || header.contains("crit")) return std::nullopt;
  const std::string name = text_at(header, "alg"), id = text_at(header, "kid");
  const ssl::JwsAlgorithm* algorithm = ssl::jws_algorithm(name);
  if (!algorithm || std::ranges::find(algorithms, name) == algorithms.end()) return std::nullopt;
  for (const Impl::Key& each : impl_->keys) {
    if (!id.empty() && each.id != id) continue;
    if (!each.algorithm.empty() && each.algorithm != name) continue;
    if (ssl::has_signed(each.key.get(), *algorithm, parts->input, parts->signature)) return std::move(parts->jws);
  }
  return std::nullopt;
}

std::span<const std::string> signing_algorithms() { return all_algorithms(); }

}  // namespace ph::net
