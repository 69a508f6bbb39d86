#include "pilothouse/signing.h"

#include <fmt/format.h>

#include "api/pem.h"
#include "daemon/files.h"
#include "net/issuing.h"
#include "net/jwt.h"
#include "net/signing_request.h"

namespace ph::pilothouse {
namespace {

using controllers::CertificateAuthority;

std::string first_block(std::string_view pem) {
  const auto block = api::next_pem_block(pem);
  return block ? block->bytes : std::string();
}

class OpenSslCertificates final : public controllers::Certificates {
 public:
  std::optional<controllers::RequestedCertificate> read_request(std::string_view pem) const override {
    auto info = net::inspect_request(first_block(pem));
    if (!info) return std::nullopt;
    return controllers::RequestedCertificate{.common_name = std::move(info->common_name),
                                             .organizations = std::move(info->organizations),
                                             .dns_names = std::move(info->dns_names),
                                             .ip_addresses = std::move(info->ip_addresses),
                                             .emails = std::move(info->emails),
                                             .uris = std::move(info->uris)};
  }

  std::optional<Time> expiry(std::string_view pem) const override {
    if (pem.empty()) return std::nullopt;
    try {
      return net::inspect_certificate(pem).not_after;
    } catch (const std::runtime_error&) {
      return std::nullopt;
    }
  }
};

class Authority final : public CertificateAuthority {
 public:
  explicit Authority(net::Credential credential)
      : credential_(std::move(credential)), expiry_(net::inspect_certificate(credential_.cert_pem).not_after) {
    if (!net::fits(credential_)) throw std::runtime_error("the key is not that of the certificate");
  }

  Time expiry() const override { return expiry_; }

  std::string sign(std::string_view request_pem, const controllers::IssuingTerms& terms, Rng& rng) const override {
    return net::issue_for_request(credential_, first_block(request_pem),
                                  {.usages = terms.usages, .not_before = terms.not_before, .not_after = terms.not_after}, rng);
  }

 private:
  const net::Credential credential_;
  const Time expiry_;
};

std::string must_read(const std::string& file) {
  auto text = daemon::read_file(file);
  if (!text) throw daemon::FileError(fmt::format("{}: there is no such file", file));
  return *std::move(text);
}

std::shared_ptr<const CertificateAuthority> read_authority(const std::string& cert_file, const std::string& key_file) {
  try {
    return std::make_shared<Authority>(net::Credential{.cert_pem = must_read(cert_file), .key_pem = must_read(key_file)});
  } catch (const daemon::FileError&) {
    throw;
  } catch (const std::runtime_error& error) {
    throw daemon::FileError(
        fmt::format("error reading CA cert file \"{}\" with key \"{}\": {}", cert_file, key_file, error.what()));
  }
}

}  // namespace

std::shared_ptr<const controllers::Certificates> make_certificates() { return std::make_shared<OpenSslCertificates>(); }

AuthoritySource fixed_authority(net::Credential credential) {
  return [authority = std::make_shared<const Authority>(std::move(credential))] { return authority; };
}

AuthoritySource file_authority(std::string cert_file, std::string key_file, Log log) {
  auto last = read_authority(cert_file, key_file);
  return
      [cert_file = std::move(cert_file), key_file = std::move(key_file), log = std::move(log), last = std::move(last)]() mutable {
        try {
          last = read_authority(cert_file, key_file);
        } catch (const daemon::FileError& error) {
          log.warning("a signer's authority cannot be read; the last one stays", "err", error.what());
        }
        return last;
      };
}

std::function<std::string(std::string_view)> token_signer(std::string_view key_pem) {
  return [signer = std::make_shared<const net::JwtSigner>(key_pem)](std::string_view payload) { return signer->sign(payload); };
}

}  // namespace ph::pilothouse
