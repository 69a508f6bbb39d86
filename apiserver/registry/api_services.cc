// API services: those of this server itself are there from the first moment.
#include "api/kinds.h"
#include "api/times.h"
#include "apiserver/registry/resource_rules.h"

namespace ph::apiserver {
namespace {

using apiregistration::v1::APIService;

class ApiServiceRules final : public ResourceRules {
 public:
  void prepare_create(WriteContext& context, api::Object& object) override {
    APIService& service = object.as<APIService>();
    if (service.spec().has_service()) return;
    auto& condition = *service.mutable_status()->add_conditions();
    condition.set_type("Available");
    condition.set_status("True");
    condition.set_reason("Local");
    condition.set_message("Local APIServices are always available");
    api::set_time(condition.mutable_last_transition_time(), context.now);
  }
};

}  // namespace

std::unique_ptr<ResourceRules> api_services(const ServerOptions&) { return std::make_unique<ApiServiceRules>(); }

}  // namespace ph::apiserver
