// AlwaysDeny: refuses all that changes anything. For tests of clusters. Upstream: plugin/pkg/admission/deny
#include "apiserver/admission/admission.h"

namespace ph::apiserver::admission {
namespace {

class AlwaysDeny final : public AdmissionPlugin, public PartAdmission {
 public:
  std::string_view name() const override { return "AlwaysDeny"; }
  void admit(AdmissionRequest& request) override { deny(request); }
  void validate(const AdmissionRequest& request) override { deny(request); }

  bool has_a_say() override { return true; }
  Soon<> judge_part(AdmissionRequest& request) override { deny(request); }

 private:
  [[noreturn]] static void deny(const AdmissionRequest& request) {
    throw refuse(request, "admission control is denying all modifications");
  }
};

}  // namespace

std::unique_ptr<AdmissionPlugin> always_deny(const AdmissionWorld&) { return std::make_unique<AlwaysDeny>(); }

}  // namespace ph::apiserver::admission
