// scheduling.k8s.io/v1 PriorityClass.
#include "api/validation/validation.h"

namespace ph::api {

using scheduling::v1::PriorityClass;

namespace {

constexpr int kUserValueMax = 1'000'000'000;

bool is_system_class(const PriorityClass& object) {
  const std::string& name = object.metadata().name();
  return (name == "system-node-critical" && object.value() == 2'000'001'000) ||
         (name == "system-cluster-critical" && object.value() == 2'000'000'000);
}

}  // namespace

void validate(const PriorityClass& object, Errors& errors) {
  if (object.metadata().name().starts_with("system-")) {
    if (!is_system_class(object)) {
      errors.forbidden(Path("metadata").member("name"),
                       "priority class names with 'system-' prefix are reserved for system use only. error: " +
                           object.metadata().name() + " is not a known system priority class");
    }
  } else if (object.value() > kUserValueMax) {
    errors.forbidden(Path("value"), "maximum allowed value of a user defined priority is 1000000000");
  }
  if (object.has_preemption_policy() && object.preemption_policy().empty()) {
    errors.required(Path("preemptionPolicy"));
  } else if (object.has_preemption_policy()) {
    check_one_of(object.preemption_policy(), {"PreemptLowerPriority", "Never"}, Path("preemptionPolicy"), errors);
  }
}

void validate_update(const PriorityClass& now, const PriorityClass& old, Errors& errors) {
  if (now.value() != old.value()) errors.forbidden(Path("value"), "may not be changed in an update.");
  check_immutable(now.preemption_policy(), old.preemption_policy(), Path("preemptionPolicy"), errors);
}

}  // namespace ph::api
