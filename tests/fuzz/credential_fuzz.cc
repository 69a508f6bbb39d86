// What strangers present as credentials and administrators as keys: tokens, their claims, PEM texts, base64. Nobody but the
// holder of the key makes a token that verifies; what is read is written and read the same.
#include <stdexcept>

#include "apiserver/authn/claims.h"
#include "apiserver/authn/oidc/issuer_keys.h"
#include "apiserver/authn/oidc/mapping.h"
#include "apiserver/authn/openid.h"
#include "apiserver/authn/webhook_tokens.h"
#include "base/assert.h"
#include "net/encoding.h"
#include "net/jwk_set.h"
#include "net/jwt.h"
#include "net/pki.h"
#include "tests/fuzz/fuzzers.h"

namespace ph::fuzz {
namespace {

using namespace ph::net;

struct Keys {
  std::string private_pem = make_private_key();
  JwtSigner signer{private_pem};
  JwtVerifier verifier{{public_key_pem(private_pem)}};
  static const Keys& get() {
    static const Keys keys;
    return keys;
  }
};

void check_base64(std::string_view text) {
  if (const auto bytes = decode_base64(text)) PH_ASSERT(base64(*bytes) == text);
  if (const auto bytes = decode_base64url(text)) PH_ASSERT(base64url(*bytes) == text);
  PH_ASSERT(decode_base64(base64(text)) == text);
  PH_ASSERT(decode_base64url(base64url(text)) == text);
}

void check_token(std::string_view text) {
  const Keys& keys = Keys::get();
  PH_ASSERT(!keys.verifier.verify(text));
  if (const auto read = read_jws(text)) {
    const auto first = text.find('.');
    PH_ASSERT(base64url(read->header) == text.substr(0, first));
  }
  // Its payload under our signature is accepted, and with anything of it changed it is not.
  const std::string token = keys.signer.sign(text);
  const auto verified = keys.verifier.verify(token);
  PH_ASSERT(verified && verified->payload == text);
  std::string forged = token;
  const std::size_t at = forged.size() * 2 / 3;
  forged[at] = forged[at] == 'A' ? 'B' : 'A';
  PH_ASSERT(forged == token || !keys.verifier.verify(forged));
}

void check_claims(std::string_view payload) {
  const auto claims = apiserver::parse_claims(payload);
  if (!claims) return;
  const Identity identity = apiserver::identity_of(*claims);
  PH_ASSERT(identity.name.starts_with("system:serviceaccount:"));
  const auto again = apiserver::parse_claims(apiserver::encode_claims(*claims));
  PH_ASSERT(again);
  PH_ASSERT(again->expires == claims->expires && again->not_before == claims->not_before && again->issued == claims->issued);
  PH_ASSERT(again->subject == claims->subject && again->audiences == claims->audiences);
  PH_ASSERT(again->warn_after == claims->warn_after);
  PH_ASSERT(apiserver::identity_of(*again).name == identity.name);
}

// What issuers and webhooks answer: documents, sets of keys, reviews; and what their tokens claim.
void check_issuer(std::string_view text) {
  const Keys& keys = Keys::get();
  static const std::string token = keys.signer.sign("{}");
  if (const auto set = JwkSet::parse(text)) {
    PH_ASSERT(set->size() == JwkSet::parse(text)->size());
    PH_ASSERT(!set->verify(token, signing_algorithms()));  // nobody guesses our key
    PH_ASSERT(!set->verify(text, signing_algorithms()));
  }
  static const JwkSet own = *JwkSet::parse(R"({"keys":[)" + apiserver::json_web_key(keys.private_pem) + "]}");
  PH_ASSERT(own.verify(token, signing_algorithms()));
  PH_ASSERT(!own.verify(text, signing_algorithms()));

  static const apiserver::JwtConfiguration issuer = [] {
    apiserver::JwtConfiguration out;
    out.url = "https://issuer";
    out.audiences = {"us"};
    out.username = {.claim = "sub", .expression = {}, .prefix = "x:"};
    out.groups = {.claim = {}, .expression = "claims.groups", .prefix = {}};
    return out;
  }();
  const std::string said(text);
  try {
    PH_ASSERT(apiserver::oidc::keys_url(said, issuer).starts_with("https://"));
  } catch (const apiserver::NoAnswer&) {
  }
  try {
    const auto verdict = apiserver::read_token_review(said, "v1", {"us"}, {"us"});
    PH_ASSERT(!verdict.user || (verdict.error.empty() && verdict.audiences == apiserver::Audiences{"us"}));
  } catch (const apiserver::NoAnswer&) {
  }
  static const apiserver::oidc::Mapping mapping(issuer);
  if (const auto user = mapping.user_of(said, Time())) PH_ASSERT(user->name.starts_with("x:"));
}

// PEM of anything: read, or refused by the one exception.
template <class F>
bool reads(F read) {
  try {
    read();
    return true;
  } catch (const std::runtime_error&) {
    return false;
  }
}

void check_pem(std::string_view text) {
  reads([&] {
    const CertificateInfo info = inspect_certificate(text);
    PH_ASSERT(inspect_certificate(text).serial_hex == info.serial_hex);
  });
  std::string public_half;
  if (reads([&] { public_half = public_key_pem(text); })) {
    PH_ASSERT(public_key_pem(public_half) == public_half);
    PH_ASSERT(key_id(text) == key_id(public_half));
  }
  const std::string pem(text);
  if (reads([&] { JwtSigner signer(pem); })) PH_ASSERT(reads([&] { JwtVerifier verifier({pem}); }));
}

}  // namespace

void credential(std::string_view text) {
  check_base64(text);
  check_token(text);
  check_claims(text);
  check_pem(text);
  check_issuer(text);
  if (const auto jws = read_jws(text)) check_claims(jws->payload);
}

}  // namespace ph::fuzz
