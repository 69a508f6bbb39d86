// certificatesigningrequest-cleaner: deletes signing requests that have been decided, or left undecided, for long.
//
//   reads     certificates/v1 CertificateSigningRequest   informer
//   writes    certificates/v1 CertificateSigningRequest   delete: pinned to the UID and revision that were judged
//   upstream  pkg/controller/certificates/cleaner
//
// All are judged together, every hour, under one key. Any change of one brings the key, so that the runtime holds it until the loop's
// own deletions are seen.
#include "controllers/certificate_cleaner/plan.h"
#include "controllers/common/certificates.h"
#include "controllers/runtime/loop.h"
#include "controllers/runtime/options.h"

namespace ph::controllers {
namespace {

using certificate_cleaner::Why;
using certificates::v1::CertificateSigningRequest;

constexpr Duration kPeriod = 1h;
// So many are deleted side by side.
constexpr std::size_t kAtOnce = 20;

class CertificateCleaner final : public Loop {
 public:
  explicit CertificateCleaner(const World& world)
      : client_(world.client),
        clock_(world.clock),
        log_(world.log),
        certificates_(world.options->certificates),
        requests_(world.informer<CertificateSigningRequest>()) {}

  Task<Outcome> reconcile(ObjectKey) override {
    if (const Duration early = next_ - clock_.steady(); early > Duration::zero()) co_return Outcome::again_after(early);
    const bool all_judged = co_await clean_all(requests_.list());
    if (!all_judged) co_return Outcome::again();
    next_ = clock_.steady() + kPeriod;
    co_return Outcome::again_after(kPeriod);
  }

 private:
  // Whether none has changed meanwhile. One that fails keeps none of the others; the first failure is thrown at the end.
  Task<bool> clean_all(std::vector<Ref<CertificateSigningRequest>> requests) {
    std::exception_ptr error;
    bool all_judged = true;
    for (std::size_t at = 0; at < requests.size(); at += kAtOnce) {
      std::vector<Task<bool>> batch;
      for (std::size_t i = at; i < std::min(requests.size(), at + kAtOnce); ++i) batch.push_back(clean(requests[i]));
      for (const Outcome_<bool>& result : co_await all(std::move(batch))) {
        if (result.error && !error) error = result.error;
        if (!result.error && !*result.value) all_judged = false;
      }
    }
    if (error) std::rethrow_exception(error);
    co_return all_judged;
  }

  // Whether it was as it was judged.
  Task<bool> clean(Ref<CertificateSigningRequest> request) {
    if (request->metadata().has_deletion_timestamp()) co_return true;
    std::optional<Time> ends;
    if (certificates_) ends = certificates_->expiry(request->status().certificate());
    const Why why = certificate_cleaner::judge(*request, ends, clock_.now());
    if (why == Why::Stays) co_return true;
    DeleteOptions options;
    options.uid = request->metadata().uid();
    options.resource_version = request->metadata().resource_version();
    const ObjectKey key = key_of(*request);
    const Removed removed = co_await client_.remove<CertificateSigningRequest>(key, options);
    if (removed == Removed::Yes) log_.info("signing request deleted", "request", key, "reason", certificate_cleaner::text(why));
    co_return removed != Removed::Changed;
  }

  Client& client_;
  const Clock& clock_;
  const Log log_;
  const std::shared_ptr<const Certificates> certificates_;
  Informer<CertificateSigningRequest>& requests_;
  Steady next_{};
};

}  // namespace

void certificate_cleaner_loop(LoopBuilder& loop) {
  loop.watches<CertificateSigningRequest>(
          [](const CertificateSigningRequest&, const World&) -> LoopBuilder::Keys { return {{{}, "requests"}}; })
      .with<CertificateCleaner>();
}

}  // namespace ph::controllers
