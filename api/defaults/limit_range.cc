// v1 LimitRange.
#include "api/defaults/defaults.h"

#include "api/sorted.h"

namespace ph::api {

using namespace core::v1;

namespace {

void fill_absent(ResourceMap& into, const ResourceMap& from) {
  for (const auto& [name, amount] : in_any_order(from)) {
    if (!into.contains(name)) into[name] = amount;
  }
}

}  // namespace

void set_defaults(LimitRange& object) {
  for (LimitRangeItem& item : *object.mutable_spec()->mutable_limits()) {
    if (item.type() == "Container") {
      fill_absent(*item.mutable_default_(), item.max());
      fill_absent(*item.mutable_default_request(), item.default_());
      fill_absent(*item.mutable_default_request(), item.min());
    }
    for (ResourceMap* amounts : {item.mutable_max(), item.mutable_min(), item.mutable_default_(), item.mutable_default_request(),
                                 item.mutable_max_limit_request_ratio()}) {
      round_up(*amounts);
    }
  }
}

}  // namespace ph::api
