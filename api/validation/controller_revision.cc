// apps/v1 ControllerRevision.
#include "api/validation/validation.h"

namespace ph::api {

using apps::v1::ControllerRevision;

void validate(const ControllerRevision& object, Errors& errors) {
  const std::string& data = object.data().raw();
  const auto first = data.find_first_not_of(" \t\r\n");
  if (data.empty()) {
    errors.required(Path("data"), "data is mandatory");
  } else if (first == data.npos || data[first] != '{') {
    errors.required(Path("data"), "data must be a valid JSON object");
  }
  check_nonnegative(object.revision(), Path("revision"), errors);
}

void validate_update(const ControllerRevision& now, const ControllerRevision& old, Errors& errors) {
  validate(now, errors);
  if (now.data().raw() != old.data().raw()) errors.invalid(Path("data"), now.data().raw(), kImmutable);
}

}  // namespace ph::api
