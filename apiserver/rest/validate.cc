#include "apiserver/rest/validate.h"

#include <charconv>

#include <fmt/format.h>

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

Revision revision_of(const meta::v1::ObjectMeta& metadata) {
  const std::string& text = metadata.resource_version();
  if (text.empty()) return {};
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return Revision{value};
  const bool digits = text.find_first_not_of("0123456789") == text.npos;
  throw api::unforeseen(fmt::format("strconv.ParseUint: parsing \"{}\": {}", text, digits ? "value out of range" : "invalid syntax"));
}

void check_uid(const Served& served, const ObjectKey& key, std::string_view wanted, std::string_view stored) {
  if (wanted.empty() || wanted == stored) return;
  throw api::conflict(served.qualified, key.name,
                      fmt::format("StorageError: invalid object, Code: 4, Key: {}{}, ResourceVersion: 0, AdditionalErrorMsg: Precondition "
                                  "failed: UID in precondition: {}, UID in object meta: {}",
                                  served.prefix, key.text(), wanted, stored));
}

}  // namespace ph::apiserver
