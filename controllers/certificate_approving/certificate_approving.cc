// certificatesigningrequest-approving: approves what kubelets ask for to show the apiserver, when who asks may have it.
//
//   reads     certificates/v1 CertificateSigningRequest   informer; live before it is written
//   writes    certificates/v1 CertificateSigningRequest   approval: the condition Approved
//             authorization/v1 SubjectAccessReview        create
//   upstream  pkg/controller/certificates/approver
//
// What nobody allows is asked about again with growing delays: roles may come later than their users.
#include "controllers/certificate_approving/plan.h"
#include "controllers/runtime/loop.h"
#include "controllers/runtime/options.h"

namespace ph::controllers {
namespace {

using certificate_approving::awaits_verdict;
using certificate_approving::Recognizer;
using certificates::v1::CertificateSigningRequest;

class CertificateApproving final : public Loop {
 public:
  explicit CertificateApproving(const World& world)
      : client_(world.client),
        certificates_(world.options->certificates),
        requests_(world.informer<CertificateSigningRequest>()) {}

  Task<Outcome> reconcile(ObjectKey key) override {
    const auto request = requests_.find(key);
    if (!request || !awaits_verdict(*request) || !certificates_) co_return Outcome::done();
    const auto asked = certificates_->read_request(request->spec().request());
    if (!asked) co_return Outcome::done();  // and that never changes
    const std::vector<Recognizer> kinds = certificate_approving::recognized(*request, *asked);
    for (const Recognizer& kind : kinds) {
      const auto review = co_await client_.create(certificate_approving::question(*request, kind));
      if (!review.status().allowed()) continue;
      co_await approve(key, request->metadata().uid(), kind);
      co_return Outcome::done();
    }
    co_return kinds.empty() ? Outcome::done() : Outcome::again();
  }

 private:
  // It is written back whole, so it is read live; who writes meanwhile makes this a conflict, and it is done again.
  Task<void> approve(ObjectKey key, std::string uid, Recognizer kind) {
    std::optional<CertificateSigningRequest> live = co_await client_.find<CertificateSigningRequest>(key);
    if (!live || live->metadata().uid() != uid || !awaits_verdict(*live)) co_return;
    CertificateSigningRequest answer;
    co_await client_.update_message(certificate_approving::approved(std::move(*live), kind), "approval", answer);
  }

  Client& client_;
  const std::shared_ptr<const Certificates> certificates_;
  Informer<CertificateSigningRequest>& requests_;
};

}  // namespace

void certificate_approving_loop(LoopBuilder& loop) {
  loop.reconciles<CertificateSigningRequest>(awaits_verdict).with<CertificateApproving>();
}

}  // namespace ph::controllers
