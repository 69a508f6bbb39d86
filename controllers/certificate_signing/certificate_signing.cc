// certificatesigningrequest-signing: the built-in signers. Signs what is approved and within a signer's rules, and says of the rest that
// it is refused.
//
//   reads     certificates/v1 CertificateSigningRequest   informer; live before it is written
//   writes    certificates/v1 CertificateSigningRequest   status: the certificate, or the condition Failed
//   upstream  pkg/controller/certificates/signer
//
// Whose authority signs for whom is said by --cluster-signing-…-cert-file and -key-file. A signer that has none signs and refuses
// nothing. Requests of other signers are theirs.
#include "controllers/certificate_signing/plan.h"
#include "controllers/runtime/loop.h"
#include "controllers/runtime/options.h"

namespace ph::controllers {
namespace {

using certificate_signing::awaits_signer;
using certificates::v1::CertificateSigningRequest;

class CertificateSigning final : public Loop {
 public:
  explicit CertificateSigning(const World& world)
      : client_(world.client),
        clock_(world.clock),
        rng_(world.rng),
        log_(world.log),
        certificates_(world.options->certificates),
        options_(world.options->signing),
        requests_(world.informer<CertificateSigningRequest>()) {}

  Task<Outcome> reconcile(ObjectKey key) override {
    const auto cached = requests_.find(key);
    if (!cached || !awaits_signer(*cached) || !has_signer(*cached)) co_return Outcome::done();
    // It is written back whole, so it is read live; who writes meanwhile makes this a conflict, and it is done again.
    std::optional<CertificateSigningRequest> live = co_await client_.find<CertificateSigningRequest>(key);
    if (!live || !awaits_signer(*live)) co_return Outcome::done();
    const std::shared_ptr<const CertificateAuthority> authority = authority_for(*live);
    if (!authority || !certificates_) co_return Outcome::done();
    const auto asked = certificates_->read_request(live->spec().request());
    if (!asked) {
      // What is asked for never changes: nobody can ever sign this.
      log_.warning("signing request cannot be read", "request", key);
      co_return Outcome::done();
    }
    const std::vector<std::string> usages = usages_of(*live);
    if (std::string why = certificate_signing::refusal(live->spec().signer_name(), *asked, usages); !why.empty()) {
      co_await client_.try_update_status<CertificateSigningRequest>(
          certificate_signing::refused(std::move(*live), std::move(why), clock_.now()));
      co_return Outcome::done();
    }
    live->mutable_status()->set_certificate(sign(*live, usages, *authority));
    co_await client_.try_update_status<CertificateSigningRequest>(std::move(*live));
    co_return Outcome::done();
  }

 private:
  bool has_signer(const CertificateSigningRequest& request) const {
    return options_.authorities.contains(request.spec().signer_name());
  }
  std::shared_ptr<const CertificateAuthority> authority_for(const CertificateSigningRequest& request) const {
    const auto found = options_.authorities.find(request.spec().signer_name());
    return found == options_.authorities.end() ? nullptr : found->second();
  }

  std::string sign(const CertificateSigningRequest& request, std::vector<std::string> usages,
                   const CertificateAuthority& authority) const {
    std::optional<std::int32_t> wanted;
    if (request.spec().has_expiration_seconds()) wanted = request.spec().expiration_seconds();
    const Duration lifetime = certificate_signing::lifetime(wanted, options_.duration);
    const auto when = certificate_signing::validity(clock_.now(), lifetime, authority.expiry());
    if (!when) throw std::runtime_error("the authority of " + request.spec().signer_name() + " has expired");
    return authority.sign(request.spec().request(),
                          {.usages = std::move(usages), .not_before = when->not_before, .not_after = when->not_after}, rng_);
  }

  Client& client_;
  const Clock& clock_;
  Rng& rng_;
  const Log log_;
  const std::shared_ptr<const Certificates> certificates_;
  const SigningOptions options_;
  Informer<CertificateSigningRequest>& requests_;
};

}  // namespace

void certificate_signing_loop(LoopBuilder& loop) {
  loop.reconciles<CertificateSigningRequest>(awaits_signer).with<CertificateSigning>();
}

}  // namespace ph::controllers
