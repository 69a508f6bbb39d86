// apps/v1 ControllerRevision.
#include "api/validation/validation.h"

namespace ph::api {

using apps::v1::ControllerRevision;

void validate(const ControllerRevision& object, Errors& errors) {
  if (object.data().raw().empty()) errors.required(Path("data"), "data is mandatory");
  check_nonnegative(object.revision(), Path("revision"), errors);
}

void validate_update(const ControllerRevision& now, const ControllerRevision& old, Errors& errors) {
  validate(now, errors);
  if (now.data().raw() != old.data().raw()) errors.invalid(Path("data"), now.data().raw(), kImmutable);
}

}  // namespace ph::api
