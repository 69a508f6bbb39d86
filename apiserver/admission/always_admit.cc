// AlwaysAdmit: lets everything pass, as if it were not there. Upstream: apiserver/pkg/admission/plugin/alwaysadmit
#include "apiserver/admission/admission.h"

namespace ph::apiserver::admission {
namespace {

class AlwaysAdmit final : public AdmissionPlugin {
 public:
  std::string_view name() const override { return "AlwaysAdmit"; }
};

}  // namespace

std::unique_ptr<AdmissionPlugin> always_admit(const AdmissionWorld&) { return std::make_unique<AlwaysAdmit>(); }

}  // namespace ph::apiserver::admission
