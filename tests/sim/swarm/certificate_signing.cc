// csrsigning, csrapproving: requests of every signer, within the rules and against them, that somebody approves, denies or takes away;
// those of kubelets are approved by the loop.
#include <fmt/format.h>

#include "controllers/common/certificate_requests.h"
#include "pilothouse/signing.h"
#include "tests/sim/signing.h"
#include "tests/sim/swarm/signing_requests.h"
#include "tests/sim/swarm/swarm.h"

namespace ph::sim::swarm {
namespace {

using Request = certificates::v1::CertificateSigningRequest;

class CertificateSigning final : public Swarm {
 public:
  // Only there somebody is asked who may have what.
  Setup setup(Draw&) override { return loops("csrsigning,csrapproving").access(); }
  Faults faults() const override { return two_managers(60s, 0.03); }

  void begin() override {
    requests_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (before && after && !before->status().certificate().empty() && has_other_certificate(*before, *after))
        judge().never(key + " has another certificate than before");
      if (write.author.ends_with(":certificate-controller")) by_the_loop(key, before, after);
    });
    for (int i = 0; i < 3; ++i) make();
  }

  void act() override {
    switch (draw().between(0, 7)) {
      case 0:
      case 1:
      case 2: return make();
      case 3:
      case 4: return decide("Approved");
      case 5: return decide("Denied");
      case 6: remove_one(requests_); return;
      default: cluster().advance(draw().up_to(15s));
    }
  }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    for (const auto& [key, request] : requests_.all()) {
      const Wish& wish = wish_of(key);
      if (wish.is_kubelets && says(request, "")) out.push_back(key + " is not approved");
      if (!says(request, "Approved") || says(request, "Denied") || wish.is_of_others) continue;
      if (wish.is_good && request.status().certificate().empty()) out.push_back(key + " is not signed");
      if (!wish.is_good && !says(request, "Failed")) out.push_back(key + " is not refused");
    }
    return out;
  }

 private:
  static bool has_other_certificate(const Request& before, const Request& after) {
    return before.metadata().uid() == after.metadata().uid() && before.status().certificate() != after.status().certificate();
  }

  void by_the_loop(const std::string& key, const Request* before, const Request* after) {
    if (!before || !after) return judge().never(key + " was made or deleted by a loop");
    const Wish& wish = wish_of(key);
    const bool was_granted = says(*before, "Approved") && !says(*before, "Denied");
    if (before->status().certificate().empty() && !after->status().certificate().empty()) {
      judge().reached("certificates issued");
      if (!was_granted || says(*before, "Failed")) judge().never(key + " was signed, and not approved");
      if (!wish.is_good || wish.is_of_others) judge().never(key + " was signed, against the rules");
      const auto ends = certificates_->expiry(after->status().certificate());
      if (!ends || *ends > latest() + 8760h) judge().never(key + " has a certificate that is good for too long");
    }
    if (says(*after, "Failed") && !says(*before, "Failed")) {
      judge().reached("requests refused");
      if (!was_granted || wish.is_good || wish.is_of_others) judge().never(key + " was refused, and is within the rules");
    }
    if (says(*after, "Approved") && !says(*before, "Approved")) {
      judge().reached("requests approved by the loop");
      if (!wish.is_kubelets || !says(*before, "")) judge().never(key + " was approved by the loop");
    }
  }

  void make() {
    const Wish& wish = draw().of(wishes());
    Request request = request_of(wish, draw().between(0, 3));
    if (draw().chance(0.3)) request.mutable_spec()->set_expiration_seconds(draw().between(600, 100'000'000));
    attempt([&] { cluster().create(request); });
  }

  void decide(const std::string& type) {
    const auto keys = requests_.keys();
    if (keys.empty()) return;
    const std::string& key = draw().of(keys);
    if (!says(*requests_.find(key), "")) return;
    judge().reached("verdicts by hand");
    attempt([&] { give_verdict(cluster(), key, type); });
  }

  const std::shared_ptr<const controllers::Certificates> certificates_ = pilothouse::make_certificates();
  Shadow<Request> requests_;
};

}  // namespace

std::unique_ptr<Swarm> certificate_signing() { return std::make_unique<CertificateSigning>(); }

}  // namespace ph::sim::swarm
