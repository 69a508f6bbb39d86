// Limit ranges: those without a name get one.
#include "api/kinds.h"
#include "apiserver/registry/resource_rules.h"

namespace ph::apiserver {
namespace {

class LimitRangeRules final : public ResourceRules {
 public:
  void prepare_create(WriteContext& context, api::Object& object) override {
    std::string& name = *object.mutable_metadata().mutable_name();
    if (name.empty()) name = context.rng.uuid();
  }
};

}  // namespace

std::unique_ptr<ResourceRules> limit_ranges(const ServerOptions&) { return std::make_unique<LimitRangeRules>(); }

}  // namespace ph::apiserver
