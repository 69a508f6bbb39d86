#include "apiserver/rest/validate.h"

#include "api/errors.h"
#include "api/rules.h"

namespace ph::apiserver {
namespace {

void refuse(const Served& served, const Message& object, const api::Errors& errors) {
  if (errors.empty()) return;
  throw api::invalid(served.qualified_kind, api::metadata(object).name(), errors.list());
}

}  // namespace

void validate_create(const Served& served, const Message& object) {
  api::Errors errors;
  api::validate_metadata(*served.resource, object, errors);
  if (served.kind_rules->validate != nullptr) served.kind_rules->validate(object, errors);
  refuse(served, object, errors);
}

void validate_update(const Served& served, UpdateKind kind, const Message& object, const Message& old) {
  api::Errors errors;
  api::validate_metadata_update(*served.resource, object, old, errors);
  if (kind == UpdateKind::Main && served.kind_rules->validate_update != nullptr) {
    served.kind_rules->validate_update(object, old, errors);
  }
  if (kind == UpdateKind::Status && served.kind_rules->validate_status != nullptr) {
    served.kind_rules->validate_status(object, old, errors);
  }
  refuse(served, object, errors);
}

}  // namespace ph::apiserver
