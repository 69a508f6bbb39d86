#include "net/signing_request.h"

#include "net/openssl.h"

namespace ph::net {
namespace {

using Request = std::unique_ptr<X509_REQ, ssl::Deleter<X509_REQ_free>>;

const unsigned char* begin_of(std::string_view der) { return reinterpret_cast<const unsigned char*>(der.data()); }

}  // namespace

std::string signing_request_error(std::string_view der) {
  const unsigned char* at = begin_of(der);
  const Request request(d2i_X509_REQ(nullptr, &at, static_cast<long>(der.size())));
  if (!request) return "asn1: structure error: " + ssl::take_errors();
  if (at != begin_of(der) + der.size()) return "asn1: syntax error: trailing data";
  EVP_PKEY* key = X509_REQ_get0_pubkey(request.get());
  if (key == nullptr) return "x509: " + ssl::take_errors();
  if (X509_REQ_verify(request.get(), key) == 1) return {};
  return "x509: the signature does not verify: " + ssl::take_errors();
}

std::string certificates_error(std::string_view der) {
  const unsigned char* at = begin_of(der);
  const unsigned char* const end = at + der.size();
  while (at != end) {
    const ssl::Cert cert(d2i_X509(nullptr, &at, static_cast<long>(end - at)));
    if (!cert) return "asn1: structure error: " + ssl::take_errors();
  }
  return {};
}

}  // namespace ph::net
