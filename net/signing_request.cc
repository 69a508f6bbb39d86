#include "net/signing_request.h"

#include "net/x509.h"

namespace ph::net {
namespace {

const unsigned char* begin_of(std::string_view der) { return reinterpret_cast<const unsigned char*>(der.data()); }

using Extensions =
    std::unique_ptr<STACK_OF(X509_EXTENSION),
                    decltype([](STACK_OF(X509_EXTENSION) * all) { sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free); })>;

}  // namespace

ssl::Request ssl::read_request(std::string_view der) {
  const unsigned char* at = begin_of(der);
  Request request(d2i_X509_REQ(nullptr, &at, static_cast<long>(der.size())));
  return at == begin_of(der) + der.size() ? std::move(request) : nullptr;
}

ssl::AltNames ssl::requested_names(X509_REQ* request) {
  const Extensions extensions(X509_REQ_get_extensions(request));
  return AltNames(static_cast<GENERAL_NAMES*>(X509V3_get_d2i(extensions.get(), NID_subject_alt_name, nullptr, nullptr)));
}

std::string signing_request_error(std::string_view der) {
  const ssl::Request request = ssl::read_request(der);
  if (!request) return "asn1: structure error: " + ssl::take_errors();
  EVP_PKEY* key = X509_REQ_get0_pubkey(request.get());
  if (key == nullptr) return "x509: " + ssl::take_errors();
  if (X509_REQ_verify(request.get(), key) == 1) return {};
  return "x509: the signature does not verify: " + ssl::take_errors();
}

std::vector<std::string> requested_organizations(std::string_view der) {
  const ssl::Request request = ssl::read_request(der);
  if (request) return ssl::name_entries(X509_REQ_get_subject_name(request.get()), NID_organizationName);
  ERR_clear_error();
  return {};
}

std::optional<RequestInfo> inspect_request(std::string_view der) {
  const ssl::Request request = ssl::read_request(der);
  if (!request) {
    ERR_clear_error();
    return std::nullopt;
  }
  RequestInfo info;
  const X509_NAME* subject = X509_REQ_get_subject_name(request.get());
  // The last common name is the most specific one.
  if (auto names = ssl::name_entries(subject, NID_commonName); !names.empty()) info.common_name = std::move(names.back());
  info.organizations = ssl::name_entries(subject, NID_organizationName);
  ssl::NamesByKind names = ssl::names_by_kind(ssl::requested_names(request.get()).get());
  info.dns_names = std::move(names.dns);
  info.ip_addresses = std::move(names.ips);
  info.emails = std::move(names.emails);
  info.uris = std::move(names.uris);
  ERR_clear_error();
  return info;
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
