// Reading and making certificates. Only for .cc files of this room.
#pragma once

#include <openssl/x509v3.h>

#include "net/openssl.h"
#include "net/pki.h"

namespace ph::net::ssl {

using Name = std::unique_ptr<X509_NAME, Deleter<X509_NAME_free>>;
using Request = std::unique_ptr<X509_REQ, Deleter<X509_REQ_free>>;
using AltNames = std::unique_ptr<GENERAL_NAMES, Deleter<GENERAL_NAMES_free>>;

CertificateInfo inspect(X509* cert);
// The values of one attribute of a name: NID_commonName, …
std::vector<std::string> name_entries(const X509_NAME* name, int nid);
// Those of a certificate or request, as far as Kubernetes knows them: what is of another kind is passed over.
struct NamesByKind {
  std::vector<std::string> dns, ips, emails, uris;
};
NamesByKind names_by_kind(const GENERAL_NAMES* names);

// Null when `der` is no request, with OpenSSL's errors left for who wants to tell them.
Request read_request(std::string_view der);
// The alternative names it asks for; null: none.
AltNames requested_names(X509_REQ* request);

std::string to_pem(X509* cert);
// Without subject, key and signature.
Cert begin_certificate(Rng& rng, Time not_before, Time not_after);
// `value` in OpenSSL's configuration language: nothing in it may be anybody else's text.
void add_extension(X509* cert, X509* issuer, int nid, const char* value);
void set_issuer(X509* cert, X509* issuer);
// With the digest that fits the key.
void sign(X509* cert, EVP_PKEY* issuer_key);

}  // namespace ph::net::ssl
