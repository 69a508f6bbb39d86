// What OpenSSL says of a certificate: chains, extensions and names as text.
#pragma once

#include <string>
#include <string_view>

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/time.h"
#include "net/openssl.h"

namespace ph::testing {

namespace ssl = net::ssl;

// Why the certificate is not to be believed at that time by who trusts the authority; empty: it is. `purpose`: X509_PURPOSE_SSL_CLIENT, …
inline std::string chain_error(std::string_view cert_pem, std::string_view authority_pem, Time at, int purpose) {
  const std::unique_ptr<X509_STORE, ssl::Deleter<X509_STORE_free>> store(X509_STORE_new());
  const ssl::Cert authority = ssl::read_certificate(authority_pem), cert = ssl::read_certificate(cert_pem);
  X509_STORE_add_cert(store.get(), authority.get());
  const std::unique_ptr<X509_STORE_CTX, ssl::Deleter<X509_STORE_CTX_free>> context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), cert.get(), nullptr);
  X509_STORE_CTX_set_purpose(context.get(), purpose);
  X509_STORE_CTX_set_time(context.get(), 0,
                          static_cast<time_t>(std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count()));
  X509_STORE_CTX_set_flags(context.get(), X509_V_FLAG_X509_STRICT);
  if (X509_verify_cert(context.get()) == 1) return {};
  return X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
}

// "critical: Digital Signature"; empty: it has none.
inline std::string extension_text(std::string_view cert_pem, int nid) {
  const ssl::Cert cert = ssl::read_certificate(cert_pem);
  const int at = X509_get_ext_by_NID(cert.get(), nid, -1);
  if (at < 0) return {};
  X509_EXTENSION* extension = X509_get_ext(cert.get(), at);
  const ssl::Bio bio(BIO_new(BIO_s_mem()));
  X509V3_EXT_print(bio.get(), extension, 0, 0);
  return (X509_EXTENSION_get_critical(extension) ? "critical: " : "") + ssl::contents(bio.get());
}

// "O=system:nodes,CN=system:node:a"; values of one set are joined by "+".
inline std::string subject_text(std::string_view cert_pem) {
  const ssl::Cert cert = ssl::read_certificate(cert_pem);
  const ssl::Bio bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), X509_get_subject_name(cert.get()), 0, XN_FLAG_RFC2253 & ~XN_FLAG_DN_REV);
  return ssl::contents(bio.get());
}

// Whether the certificate is for the key that signed the request.
inline bool is_for_key_of(std::string_view cert_pem, std::string_view request_pem) {
  const ssl::Cert cert = ssl::read_certificate(cert_pem);
  const std::unique_ptr<X509_REQ, ssl::Deleter<X509_REQ_free>> request(
      PEM_read_bio_X509_REQ(ssl::reader(request_pem).get(), nullptr, nullptr, nullptr));
  return request && EVP_PKEY_eq(X509_get0_pubkey(cert.get()), X509_REQ_get0_pubkey(request.get())) == 1;
}

}  // namespace ph::testing
