#include "net/signing_request.h"

#include "net/x509.h"

namespace ph::net {
namespace {

using Request = std::unique_ptr<X509_REQ, ssl::Deleter<X509_REQ_free>>;

const unsigned char* begin_of(std::string_view der) { return reinterpret_cast<const unsigned char*>(der.data()); }

Request read_request(std::string_view der) {
  const unsigned char* at = begin_of(der);
  Request request(d2i_X509_REQ(nullptr, &at, static_cast<long>(der.size())));
  return at == begin_of(der) + der.size() ? std::move(request) : nullptr;
}

}  // namespace

std::string signing_request_error(std::string_view der) {
  const Request request = read_request(der);
  if (!request) return "asn1: structure error: " + ssl::take_errors();
  EVP_PKEY* key = X509_REQ_get0_pubkey(request.get());
  if (key == nullptr) return "x509: " + ssl::take_errors();
  if (X509_REQ_verify(request.get(), key) == 1) return {};
  return "x509: the signature does not verify: " + ssl::take_errors();
}

std::vector<std::string> requested_organizations(std::string_view der) {
  const Request request = read_request(der);
  if (request) return ssl::name_entries(X509_REQ_get_subject_name(request.get()), NID_organizationName);
  ERR_clear_error();
  return {};
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
