#include "net/pki.h"

#include <arpa/inet.h>
#include <openssl/asn1.h>
#include <openssl/ec.h>

#include "net/encoding.h"
#include "net/x509.h"

namespace ph::net {
namespace {

using ssl::check;

using ssl::add_extension, ssl::AltNames, ssl::Name, ssl::to_pem;

using Extension = std::unique_ptr<X509_EXTENSION, ssl::Deleter<X509_EXTENSION_free>>;
using Number = std::unique_ptr<BIGNUM, ssl::Deleter<BN_free>>;

// Clocks differ between machines: a certificate is good a little before it was made.
constexpr Duration kBackdated = std::chrono::minutes(5);

std::string to_pem(EVP_PKEY* key) {
  const ssl::Bio bio(BIO_new(BIO_s_mem()));
  check(PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1, "cannot write a key");
  return ssl::contents(bio.get());
}

ssl::Key make_key() {
  ssl::Key key(EVP_EC_gen("P-256"));
  check(key != nullptr, "cannot make a key");
  return key;
}

// As given: OpenSSL would otherwise hold a common name to 64 characters, and names of accounts are longer.
void add_entry(X509_NAME* name, const char* field, std::string_view value) {
  check(X509_NAME_add_entry_by_txt(name, field, V_ASN1_UTF8STRING, reinterpret_cast<const unsigned char*>(value.data()),
                                   static_cast<int>(value.size()), -1, 0) == 1,
        "cannot put a name into a certificate");
}

Name make_name(std::string_view common_name, const std::vector<std::string>& organizations) {
  Name name(X509_NAME_new());
  for (const auto& organization : organizations) add_entry(name.get(), "O", organization);
  if (!common_name.empty()) add_entry(name.get(), "CN", common_name);
  return name;
}

// Alternative names are made from parts, not from OpenSSL's configuration language, in which a name could say more.
void add_alt_names(X509* cert, const ServerNames& names) {
  const AltNames all(GENERAL_NAMES_new());
  const auto add = [&](int type, std::string_view bytes) {
    ASN1_STRING* text = type == GEN_IPADD ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
    ASN1_STRING_set(text, bytes.data(), static_cast<int>(bytes.size()));
    GENERAL_NAME* name = GENERAL_NAME_new();
    GENERAL_NAME_set0_value(name, type, text);
    sk_GENERAL_NAME_push(all.get(), name);
  };
  for (const auto& dns : names.dns_names) add(GEN_DNS, dns);
  for (const auto& ip : names.ip_addresses) {
    char bytes[16];
    if (inet_pton(AF_INET, ip.c_str(), bytes) == 1) {
      add(GEN_IPADD, std::string_view(bytes, 4));
    } else if (inet_pton(AF_INET6, ip.c_str(), bytes) == 1) {
      add(GEN_IPADD, std::string_view(bytes, 16));
    } else {
      throw std::runtime_error("not an IP address: " + ip);
    }
  }
  if (sk_GENERAL_NAME_num(all.get()) == 0) return;
  check(X509_add1_ext_i2d(cert, NID_subject_alt_name, all.get(), 0, 0) == 1, "cannot add alternative names");
}

void set_time(ASN1_TIME* field, Time time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  check(ASN1_TIME_set(field, static_cast<time_t>(seconds)) != nullptr, "cannot set a certificate's time");
}

// 159 random bits, never zero: at most 20 bytes and positive, as RFC 5280 asks.
void set_serial(X509* cert, Rng& rng) {
  unsigned char bytes[20];
  for (unsigned char& byte : bytes) byte = static_cast<unsigned char>(rng.below(256));
  bytes[0] = (bytes[0] & 0x7f) | 0x40;
  const Number number(BN_bin2bn(bytes, sizeof bytes, nullptr));
  check(number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(cert)), "cannot set a serial number");
}

ssl::Cert begin_certificate(X509_NAME* subject, EVP_PKEY* key, const Issuing& issuing) {
  const Time now = issuing.clock.now();
  ssl::Cert cert = ssl::begin_certificate(issuing.rng, now - kBackdated, now + issuing.validity);
  check(X509_set_subject_name(cert.get(), subject) == 1, "cannot set a subject");
  check(X509_set_pubkey(cert.get(), key) == 1, "cannot set a public key");
  return cert;
}

void sign(X509* cert, X509* issuer, EVP_PKEY* issuer_key) {
  ssl::set_issuer(cert, issuer);
  add_extension(cert, issuer, NID_subject_key_identifier, "hash");
  add_extension(cert, issuer, NID_authority_key_identifier, "keyid:always");
  ssl::sign(cert, issuer_key);
}

Credential issue_leaf(const Credential& ca, X509_NAME* subject, const char* usage, const ServerNames* names,
                      const Issuing& issuing) {
  const ssl::Cert issuer = ssl::read_certificate(ca.cert_pem);
  const ssl::Key issuer_key = ssl::read_private_key(ca.key_pem);
  const ssl::Key key = make_key();
  const ssl::Cert cert = begin_certificate(subject, key.get(), issuing);
  add_extension(cert.get(), issuer.get(), NID_basic_constraints, "critical,CA:FALSE");
  add_extension(cert.get(), issuer.get(), NID_key_usage, "critical,digitalSignature");
  add_extension(cert.get(), issuer.get(), NID_ext_key_usage, usage);
  if (names) add_alt_names(cert.get(), *names);
  sign(cert.get(), issuer.get(), issuer_key.get());
  return {to_pem(cert.get()), to_pem(key.get())};
}

Time to_time(const ASN1_TIME* field) {
  std::tm parts{};
  check(ASN1_TIME_to_tm(field, &parts) == 1, "cannot read a certificate's time");
  return Time(std::chrono::seconds(timegm(&parts)));
}

}  // namespace

ssl::NamesByKind ssl::names_by_kind(const GENERAL_NAMES* names) {
  NamesByKind out;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    int type = 0;
    const void* value = GENERAL_NAME_get0_value(name, &type);
    if (type != GEN_DNS && type != GEN_IPADD && type != GEN_EMAIL && type != GEN_URI) continue;
    const auto* text = static_cast<const ASN1_STRING*>(value);
    const auto* bytes = ASN1_STRING_get0_data(text);
    const int size = ASN1_STRING_length(text);
    if (type == GEN_IPADD) {
      if (size != 4 && size != 16) continue;
      char printed[INET6_ADDRSTRLEN] = {};
      inet_ntop(size == 4 ? AF_INET : AF_INET6, bytes, printed, sizeof printed);
      out.ips.emplace_back(printed);
      continue;
    }
    auto& list = type == GEN_DNS ? out.dns : type == GEN_EMAIL ? out.emails : out.uris;
    list.emplace_back(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  }
  return out;
}

std::string ssl::to_pem(X509* cert) {
  const Bio bio(BIO_new(BIO_s_mem()));
  check(PEM_write_bio_X509(bio.get(), cert) == 1, "cannot write a certificate");
  return contents(bio.get());
}

ssl::Cert ssl::begin_certificate(Rng& rng, Time not_before, Time not_after) {
  Cert cert(X509_new());
  check(cert && X509_set_version(cert.get(), X509_VERSION_3) == 1, "cannot make a certificate");
  set_serial(cert.get(), rng);
  set_time(X509_getm_notBefore(cert.get()), not_before);
  set_time(X509_getm_notAfter(cert.get()), not_after);
  return cert;
}

void ssl::add_extension(X509* cert, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, cert, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  check(extension && X509_add_ext(cert, extension.get(), -1) == 1, "cannot add an extension");
}

void ssl::set_issuer(X509* cert, X509* issuer) {
  check(X509_set_issuer_name(cert, X509_get_subject_name(issuer)) == 1, "cannot set an issuer");
}

void ssl::sign(X509* cert, EVP_PKEY* issuer_key) {
  const EVP_MD* digest = EVP_sha256();
  // Ed25519 and its like have one of their own; larger curves are worth a longer one.
  if (EVP_PKEY_is_a(issuer_key, "ED25519") || EVP_PKEY_is_a(issuer_key, "ED448")) digest = nullptr;
  else if (EVP_PKEY_is_a(issuer_key, "EC") && EVP_PKEY_get_bits(issuer_key) > 384) digest = EVP_sha512();
  else if (EVP_PKEY_is_a(issuer_key, "EC") && EVP_PKEY_get_bits(issuer_key) > 256) digest = EVP_sha384();
  check(X509_sign(cert, issuer_key, digest) > 0, "cannot sign a certificate");
}

std::vector<std::string> ssl::name_entries(const X509_NAME* name, int nid) {
  std::vector<std::string> values;
  for (int at = -1; (at = X509_NAME_get_index_by_NID(name, nid, at)) >= 0;) {
    unsigned char* text = nullptr;
    const int size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    if (size < 0) continue;
    values.emplace_back(reinterpret_cast<char*>(text), static_cast<std::size_t>(size));
    OPENSSL_free(text);
  }
  return values;
}

namespace {

// Kubernetes' own attribute of a name; several say nothing.
std::string user_uid_of(const X509_NAME* subject) {
  using Object = std::unique_ptr<ASN1_OBJECT, ssl::Deleter<ASN1_OBJECT_free>>;
  const Object kind(OBJ_txt2obj("1.3.6.1.4.1.57683.2", 1));
  const int at = X509_NAME_get_index_by_OBJ(subject, kind.get(), -1);
  if (at < 0 || X509_NAME_get_index_by_OBJ(subject, kind.get(), at) >= 0) return {};
  unsigned char* text = nullptr;
  const int size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  if (size < 0) return {};
  std::string out(reinterpret_cast<char*>(text), static_cast<std::size_t>(size));
  OPENSSL_free(text);
  return out;
}

std::string digest_of(const X509* cert) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  ssl::check(X509_digest(cert, EVP_sha256(), digest, &size) == 1, "cannot hash a certificate");
  return hex(std::string_view(reinterpret_cast<char*>(digest), size));
}

}  // namespace

CertificateInfo ssl::inspect(X509* cert) {
  CertificateInfo info;
  X509_NAME* subject = X509_get_subject_name(cert);
  // The last common name is the most specific one.
  if (auto names = name_entries(subject, NID_commonName); !names.empty()) info.common_name = std::move(names.back());
  info.organizations = name_entries(subject, NID_organizationName);
  const AltNames names(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(cert, NID_subject_alt_name, nullptr, nullptr)));
  NamesByKind by_kind = names_by_kind(names.get());
  info.dns_names = std::move(by_kind.dns);
  info.ip_addresses = std::move(by_kind.ips);
  info.not_before = to_time(X509_get0_notBefore(cert));
  info.not_after = to_time(X509_get0_notAfter(cert));
  info.is_ca = X509_check_ca(cert) == 1;
  const ASN1_INTEGER* serial = X509_get0_serialNumber(cert);
  info.serial_hex = hex(std::string_view(reinterpret_cast<const char*>(ASN1_STRING_get0_data(serial)),
                                         static_cast<std::size_t>(ASN1_STRING_length(serial))));
  info.user_uid = user_uid_of(subject);
  info.sha256_hex = digest_of(cert);
  return info;
}

std::string make_private_key() { return to_pem(make_key().get()); }

std::string public_key_pem(std::string_view key_pem) {
  ssl::Key key(PEM_read_bio_PUBKEY(ssl::reader(key_pem).get(), nullptr, nullptr, nullptr));
  if (!key) {
    ERR_clear_error();
    key = ssl::read_private_key(key_pem);
  }
  const ssl::Bio bio(BIO_new(BIO_s_mem()));
  check(PEM_write_bio_PUBKEY(bio.get(), key.get()) == 1, "cannot write a public key");
  return ssl::contents(bio.get());
}

Credential make_ca(std::string_view common_name, Issuing issuing) {
  const ssl::Key key = make_key();
  const Name name = make_name(common_name, {});
  const ssl::Cert cert = begin_certificate(name.get(), key.get(), issuing);
  add_extension(cert.get(), cert.get(), NID_basic_constraints, "critical,CA:TRUE");
  add_extension(cert.get(), cert.get(), NID_key_usage, "critical,digitalSignature,keyCertSign,cRLSign");
  sign(cert.get(), cert.get(), key.get());
  return {to_pem(cert.get()), to_pem(key.get())};
}

Credential issue_server_certificate(const Credential& ca, const ServerNames& names, Issuing issuing) {
  const Name subject = make_name(names.common_name, {});
  return issue_leaf(ca, subject.get(), "serverAuth", &names, issuing);
}

Credential issue_client_certificate(const Credential& ca, std::string_view common_name,
                                    const std::vector<std::string>& organizations, Issuing issuing) {
  const Name subject = make_name(common_name, organizations);
  return issue_leaf(ca, subject.get(), "clientAuth", nullptr, issuing);
}

CertificateInfo inspect_certificate(std::string_view cert_pem) { return ssl::inspect(ssl::read_certificate(cert_pem).get()); }

}  // namespace ph::net
