// v1 PodTemplate.
#include "api/validation/validation.h"

namespace ph::api {

using core::v1::PodTemplate;

void validate(const PodTemplate& object, Errors& errors) { check_pod_template(object.template_(), Path("template"), errors); }
void validate_update(const PodTemplate& now, const PodTemplate&, Errors& errors) { validate(now, errors); }

}  // namespace ph::api
