#include "api/object_rules.h"

#include <nlohmann/json.hpp>

#include "api/structural/structural.h"
#include "base/assert.h"

namespace ph::api {

namespace {

const structural::Structural& structural_of(const Object& object) {
  PH_ASSERT(object.schema().structural);
  return *object.schema().structural;
}

}  // namespace

bool has_rules(const Schema& schema) { return schema.custom || rules_of(schema).validate != nullptr; }

void set_defaults(Object& object) {
  if (!object.message()) return structural_of(object).apply_defaults(object.members());
  const KindRules& rules = rules_of(object.schema());
  if (rules.set_defaults != nullptr) rules.set_defaults(*object.message());
}

void validate(const Object& object, Errors& errors) {
  if (!object.message()) return structural_of(object).validate(object.members(), errors, &object.metadata());
  const KindRules& rules = rules_of(object.schema());
  if (rules.validate != nullptr) rules.validate(*object.message(), errors);
}

void validate_update(const Object& object, const Object& old, Errors& errors) {
  if (!object.message()) {
    return structural_of(object).validate_update(object.members(), old.members(), errors, &object.metadata(), &old.metadata());
  }
  const KindRules& rules = rules_of(object.schema());
  if (rules.validate_update != nullptr) rules.validate_update(*object.message(), *old.message(), errors);
}

// A custom object is judged whole, whichever door it comes through.
void validate_status(const Object& object, const Object& old, Errors& errors) {
  if (!object.message()) return validate_update(object, old, errors);
  const KindRules& rules = rules_of(object.schema());
  if (rules.validate_status != nullptr) rules.validate_status(*object.message(), *old.message(), errors);
}

}  // namespace ph::api
