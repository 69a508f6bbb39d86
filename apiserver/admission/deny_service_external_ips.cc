// DenyServiceExternalIPs: services get no external addresses beyond those they have: whoever names one draws its traffic to himself
// (CVE-2020-8554). Upstream: plugin/pkg/admission/denyserviceexternalips
#include <algorithm>

#include "api/kinds.h"
#include "apiserver/admission/admission.h"

namespace ph::apiserver::admission {
namespace {

using core::v1::Service;

class DenyServiceExternalIPs final : public AdmissionPlugin {
 public:
  std::string_view name() const override { return "DenyServiceExternalIPs"; }

  void validate(const AdmissionRequest& request) override {
    if (!is_for(request, "", "services") || !request.object) return;
    const auto had = [&](const std::string& address) {
      if (request.operation != "UPDATE") return false;
      const auto& before = request.old_object->as<Service>().spec().external_ips();
      return std::ranges::find(before, address) != before.end();
    };
    if (std::ranges::all_of(request.object->as<Service>().spec().external_ips(), had)) return;
    throw refuse(request, "Use of external IPs is denied by admission control");
  }
};

}  // namespace

std::unique_ptr<AdmissionPlugin> deny_service_external_ips(const AdmissionWorld&) {
  return std::make_unique<DenyServiceExternalIPs>();
}

}  // namespace ph::apiserver::admission
