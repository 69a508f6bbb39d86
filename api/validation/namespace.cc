// v1 Namespace.
#include "api/validation/validation.h"

namespace ph::api {

using core::v1::Namespace;

// Which of them it is is told of those that exist, not of new ones.
static void check_finalizers(const Namespace& object, bool indexed, Errors& errors) {
  const Path path = Path("spec").member("finalizers");
  for (int i = 0; i < object.spec().finalizers_size(); ++i) {
    const std::string& one = object.spec().finalizers(i);
    const Path at = indexed ? path.index(i) : path;
    check_qualified(one, at, errors);
    const bool standard = one == "kubernetes" || one == "orphan" || one == "foregroundDeletion";
    if (one.find('/') != std::string::npos || standard) continue;
    errors.invalid_text(at, one, "name is neither a standard finalizer name nor is it fully qualified");
  }
}

void validate(const Namespace& object, Errors& errors) { check_finalizers(object, false, errors); }
void validate_update(const Namespace& now, const Namespace&, Errors& errors) { check_finalizers(now, true, errors); }

void validate_status(const Namespace& now, const Namespace&, Errors& errors) {
  const bool deleted = now.metadata().has_deletion_timestamp();
  if (!deleted && now.status().phase() != "Active") {
    errors.invalid_text(Path("status").member("Phase"), now.status().phase(),
                        "may only be 'Active' if `deletionTimestamp` is empty");
  }
  if (deleted && now.status().phase() != "Terminating") {
    errors.invalid_text(Path("status").member("Phase"), now.status().phase(),
                        "may only be 'Terminating' if `deletionTimestamp` is not empty");
  }
}

}  // namespace ph::api
