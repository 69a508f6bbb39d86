#include "net/issuing.h"

#include <algorithm>
#include <span>

#include "net/x509.h"

namespace ph::net {
namespace {

using ssl::check;

// A usage, and what OpenSSL calls it.
struct Usage {
  std::string_view name;
  const char* in_openssl;
};
constexpr Usage kKeyUsages[] = {
    {"signing", "digitalSignature"},
    {"digital signature", "digitalSignature"},
    {"content commitment", "nonRepudiation"},
    {"key encipherment", "keyEncipherment"},
    {"data encipherment", "dataEncipherment"},
    {"key agreement", "keyAgreement"},
    {"cert sign", "keyCertSign"},
    {"crl sign", "cRLSign"},
    {"encipher only", "encipherOnly"},
    {"decipher only", "decipherOnly"},
};
// In the order in which they stand in a certificate.
constexpr Usage kExtendedUsages[] = {
    {"any", "anyExtendedKeyUsage"},
    {"server auth", "serverAuth"},
    {"client auth", "clientAuth"},
    {"code signing", "codeSigning"},
    {"email protection", "emailProtection"},
    {"s/mime", "emailProtection"},
    {"ipsec end system", "ipsecEndSystem"},
    {"ipsec tunnel", "ipsecTunnel"},
    {"ipsec user", "ipsecUser"},
    {"timestamping", "timeStamping"},
    {"ocsp signing", "OCSPSigning"},
    {"microsoft sgc", "msSGC"},
    {"netscape sgc", "nsSGC"},
};

// Those of `usages` that `table` knows, in its order, each once; empty: none.
std::string in_openssl(const std::vector<std::string>& usages, std::span<const Usage> table) {
  std::vector<std::string_view> words;
  for (const Usage& usage : table) {
    const bool is_asked_for = std::ranges::find(usages, usage.name) != usages.end();
    if (is_asked_for && std::ranges::find(words, usage.in_openssl) == words.end()) words.emplace_back(usage.in_openssl);
  }
  std::string out;
  for (const std::string_view word : words) out.append(out.empty() ? "" : ",").append(word);
  return out;
}

void check_usages(const std::vector<std::string>& usages) {
  for (const std::string& asked : usages) {
    const auto is_it = [&](const Usage& usage) { return usage.name == asked; };
    if (std::ranges::none_of(kKeyUsages, is_it) && std::ranges::none_of(kExtendedUsages, is_it))
      throw std::runtime_error("unknown usage: " + asked);
  }
}

// Values of one attribute stand together, in one set.
void add_values(X509_NAME* name, int nid, std::span<const std::string> values) {
  int set = 0;
  for (const std::string& value : values) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(value.data());
    const int size = static_cast<int>(value.size());
    const int type = ASN1_PRINTABLE_type(bytes, size) == V_ASN1_PRINTABLESTRING ? V_ASN1_PRINTABLESTRING : V_ASN1_UTF8STRING;
    check(X509_NAME_add_entry_by_NID(name, nid, type, bytes, size, -1, set) == 1, "cannot put a name into a certificate");
    set = -1;
  }
}

ssl::Name known_part(const X509_NAME* asked) {
  ssl::Name name(X509_NAME_new());
  for (const int nid : {NID_countryName, NID_organizationName, NID_organizationalUnitName, NID_localityName,
                        NID_stateOrProvinceName, NID_streetAddress, NID_postalCode})
    add_values(name.get(), nid, ssl::name_entries(asked, nid));
  // Of these there is one, the most specific.
  for (const int nid : {NID_commonName, NID_serialNumber}) {
    const std::vector<std::string> values = ssl::name_entries(asked, nid);
    if (!values.empty()) add_values(name.get(), nid, std::span(values).last(1));
  }
  return name;
}

ssl::AltNames known_part(const GENERAL_NAMES* asked) {
  ssl::AltNames out(GENERAL_NAMES_new());
  for (const int type : {GEN_DNS, GEN_EMAIL, GEN_IPADD, GEN_URI}) {
    for (int i = 0; asked && i < sk_GENERAL_NAME_num(asked); ++i) {
      const GENERAL_NAME* name = sk_GENERAL_NAME_value(asked, i);
      if (name->type != type) continue;
      GENERAL_NAME* copy = GENERAL_NAME_dup(name);
      check(copy != nullptr && sk_GENERAL_NAME_push(out.get(), copy) > 0, "cannot copy a name");
    }
  }
  return out;
}

}  // namespace

std::string issue_for_request(const Credential& ca, std::string_view der, const CertificateTerms& terms, Rng& rng) {
  check_usages(terms.usages);
  const ssl::Cert issuer = ssl::read_certificate(ca.cert_pem);
  const ssl::Key issuer_key = ssl::read_private_key(ca.key_pem);
  const ssl::Request request = ssl::read_request(der);
  check(request != nullptr, "cannot read the request");
  EVP_PKEY* key = X509_REQ_get0_pubkey(request.get());
  check(key != nullptr, "cannot read the request's key");

  const ssl::Cert cert = ssl::begin_certificate(rng, terms.not_before, terms.not_after);
  const ssl::Name subject = known_part(X509_REQ_get_subject_name(request.get()));
  check(X509_set_subject_name(cert.get(), subject.get()) == 1, "cannot set a subject");
  check(X509_set_pubkey(cert.get(), key) == 1, "cannot set a public key");
  ssl::set_issuer(cert.get(), issuer.get());
  if (const std::string usages = in_openssl(terms.usages, kKeyUsages); !usages.empty())
    ssl::add_extension(cert.get(), issuer.get(), NID_key_usage, ("critical," + usages).c_str());
  if (const std::string usages = in_openssl(terms.usages, kExtendedUsages); !usages.empty())
    ssl::add_extension(cert.get(), issuer.get(), NID_ext_key_usage, usages.c_str());
  ssl::add_extension(cert.get(), issuer.get(), NID_basic_constraints, "critical,CA:FALSE");
  if (X509_get0_subject_key_id(issuer.get()))
    ssl::add_extension(cert.get(), issuer.get(), NID_authority_key_identifier, "keyid:always");
  const ssl::AltNames names = known_part(ssl::requested_names(request.get()).get());
  if (sk_GENERAL_NAME_num(names.get()) > 0) {
    const int critical = X509_NAME_entry_count(subject.get()) == 0;
    check(X509_add1_ext_i2d(cert.get(), NID_subject_alt_name, names.get(), critical, 0) == 1, "cannot add alternative names");
  }
  ssl::sign(cert.get(), issuer_key.get());
  return ssl::to_pem(cert.get());
}

bool fits(const Credential& credential) {
  const ssl::Cert cert = ssl::read_certificate(credential.cert_pem);
  const ssl::Key key = ssl::read_private_key(credential.key_pem);
  const bool same = X509_check_private_key(cert.get(), key.get()) == 1;
  ERR_clear_error();
  return same;
}

}  // namespace ph::net
