// The rules of an object's kind, whatever holds it: those of api/rules.def for built-in kinds, the structural schema for custom
// ones. Metadata has rules of its own (api/rules.h). Threads: any.
#pragma once

#include "api/object.h"
#include "api/rules.h"

namespace ph::api {

// Whether new objects of the kind are judged by `validate`: custom ones always, built-in ones if it has such rules.
bool has_rules(const Schema& schema);

void set_defaults(Object& object);
void validate(const Object& object, Errors& errors);
void validate_update(const Object& object, const Object& old, Errors& errors);
void validate_status(const Object& object, const Object& old, Errors& errors);

}  // namespace ph::api
