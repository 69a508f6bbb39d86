#include "apiserver/rest/validate.h"

#include <fmt/format.h>

#include "api/errors.h"
#include "api/object_rules.h"
#include "apiserver/rest/options.h"

namespace ph::apiserver {
namespace {

void refuse(const Served& served, const api::Object& object, const api::Errors& errors) {
  if (errors.empty()) return;
  throw api::invalid(served.qualified_kind, object.metadata().name(), errors.list());
}

// The version a write came through, when that has rules of its own; else null: what is stored is judged. Of what somebody outside
// converts only the version that was sent is judged.
const Served* own_version(const WriteRequest& request) {
  const Served* const through = request.through.get();
  if (through && through->stored_as && through->converter) return through;
  const bool has_own = through && through->stored_as && !through->resource->schema->custom;
  return has_own && api::has_rules(*through->resource->schema) ? through : nullptr;
}

}  // namespace

void validate_create(const Served& served, const api::Object& object) {
  api::Errors errors;
  api::validate_metadata(*served.resource, object.metadata(), errors);
  api::validate(object, errors);
  served.rules->validate(object, errors);
  refuse(served, object, errors);
}

void validate_create(const Served& served, const WriteRequest& request, const api::Object& object) {
  const Served* const own = own_version(request);
  own ? validate_create(*own, own->to_shown(object)) : validate_create(served, object);
}

void validate_update(const Served& served, const WriteRequest& request, UpdateKind kind, const api::Object& object,
                     const api::Object& old) {
  const Served* const own = own_version(request);
  own ? validate_update(*own, kind, own->to_shown(object), own->to_shown(old)) : validate_update(served, kind, object, old);
}

void validate_update(const Served& served, UpdateKind kind, const api::Object& object, const api::Object& old) {
  api::Errors errors;
  api::validate_metadata_update(*served.resource, kind == UpdateKind::Main, object.metadata(), old.metadata(), errors);
  if (kind == UpdateKind::Main) api::validate_update(object, old, errors);
  if (kind == UpdateKind::Status) api::validate_status(object, old, errors);
  if (kind != UpdateKind::Part) served.rules->validate(object, errors);
  refuse(served, object, errors);
}

Revision revision_of(const meta::v1::ObjectMeta& metadata) {
  const std::string& text = metadata.resource_version();
  if (text.empty()) return {};
  const auto revision = read_revision(text);
  if (!revision) throw api::unforeseen(revision.error());
  return *revision;
}

void refuse_precondition(const Served& served, const ObjectKey& key, bool dry_run, std::string_view what, std::string_view wanted,
                         std::string_view stored) {
  constexpr std::string_view kAll = "/registry";
  std::string_view prefix = served.prefix;
  if (dry_run && prefix.starts_with(kAll)) prefix.remove_prefix(kAll.size());
  throw api::conflict(
      served.qualified, key.name,
      fmt::format("StorageError: invalid object, Code: 4, Key: {}{}, ResourceVersion: 0, AdditionalErrorMsg: Precondition "
                  "failed: {} in precondition: {}, {} in object meta: {}",
                  prefix, key.text(), what, wanted, what, stored));
}

void check_uid(const Served& served, const ObjectKey& key, bool dry_run, std::string_view wanted, std::string_view stored) {
  if (!wanted.empty() && wanted != stored) refuse_precondition(served, key, dry_run, "UID", wanted, stored);
}

}  // namespace ph::apiserver
