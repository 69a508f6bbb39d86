#include "tests/sim/signing.h"

#include <openssl/x509v3.h>

#include "base/assert.h"
#include "net/openssl.h"

namespace ph::sim {
namespace {

namespace ssl = net::ssl;

using Request = std::unique_ptr<X509_REQ, ssl::Deleter<X509_REQ_free>>;
using Extensions = STACK_OF(X509_EXTENSION);

constexpr const char kAuthority[] = R"(-----BEGIN CERTIFICATE-----
MIIBLjCB4aADAgECAgEBMAUGAytlcDAeMRwwGgYDVQQDDBNzaW11bGF0ZWQgYXV0
aG9yaXR5MCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAeMRwwGgYD
VQQDDBNzaW11bGF0ZWQgYXV0aG9yaXR5MCowBQYDK2VwAyEAq2JJDZ7VnJ4p8Uqe
tuMU7UfQ8mkVtqMoa3tscz3ApRijQjBAMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0P
AQH/BAQDAgGGMB0GA1UdDgQWBBSbPycC/YIDfH2QEtQ2zv5tQdBChzAFBgMrZXAD
QQDqucDftc7cIG3xnxtG3qbfnlh0x5px/egq/8P5yzvEbfAvNNNUS5i0DnsFJsPZ
Qm+QYbp79oylD/0r5QPu1rIO
-----END CERTIFICATE-----
)";
constexpr const char kAuthorityKey[] = R"(-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIHc/tAOtmxXKQpMS2lFkZoHJ0SUwRGxPC3Dt6BhlUosi
-----END PRIVATE KEY-----
)";

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    std::string_view word = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    while (word.starts_with(' ')) word.remove_prefix(1);
    while (word.ends_with(' ')) word.remove_suffix(1);
    if (!word.empty()) out.emplace_back(word);
  }
  return out;
}

ssl::Key fixed_key() {
  unsigned char seed[32];
  std::fill(std::begin(seed), std::end(seed), 7);
  ssl::Key key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed, sizeof seed));
  PH_ASSERT(key != nullptr);
  return key;
}

void add_names(X509_REQ* request, std::string_view alt_names) {
  Extensions* extensions = sk_X509_EXTENSION_new_null();
  std::string text;
  for (const std::string& name : split(alt_names)) text += (text.empty() ? "" : ",") + name;
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, text.c_str());
  PH_ASSERT(extension != nullptr);
  sk_X509_EXTENSION_push(extensions, extension);
  PH_ASSERT(X509_REQ_add_extensions(request, extensions) == 1);
  sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}

}  // namespace

std::string signing_request(std::string_view subject, std::string_view alt_names) {
  const Request request(X509_REQ_new());
  for (const std::string& part : split(subject)) {
    const std::size_t equals = part.find('=');
    PH_ASSERT(equals != std::string::npos);
    const std::string value = part.substr(equals + 1);
    PH_ASSERT(X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request.get()), part.substr(0, equals).c_str(), MBSTRING_UTF8,
                                         reinterpret_cast<const unsigned char*>(value.data()), static_cast<int>(value.size()), -1,
                                         0) == 1);
  }
  if (!alt_names.empty()) add_names(request.get(), alt_names);
  const ssl::Key key = fixed_key();
  PH_ASSERT(X509_REQ_set_pubkey(request.get(), key.get()) == 1);
  PH_ASSERT(X509_REQ_sign(request.get(), key.get(), nullptr) > 0);
  const ssl::Bio bio(BIO_new(BIO_s_mem()));
  PH_ASSERT(PEM_write_bio_X509_REQ(bio.get(), request.get()) == 1);
  return ssl::contents(bio.get());
}

certificates::v1::CertificateSigningRequest make_signing_request(const std::string& name, const std::string& signer,
                                                                 const std::string& request,
                                                                 const std::vector<std::string>& usages) {
  certificates::v1::CertificateSigningRequest out;
  out.mutable_metadata()->set_name(name);
  out.mutable_spec()->set_signer_name(signer);
  out.mutable_spec()->set_request(request);
  out.mutable_spec()->mutable_usages()->Assign(usages.begin(), usages.end());
  return out;
}

const net::Credential& simulated_authority() {
  static const net::Credential credential{.cert_pem = kAuthority, .key_pem = kAuthorityKey};
  return credential;
}

}  // namespace ph::sim
