// Validation of a write: the generic rules of metadata and the kind's own.
#pragma once

#include "api/object.h"
#include "apiserver/rest/core.h"
#include "apiserver/rest/write.h"

namespace ph::apiserver {

// What a conflict is told with.
inline constexpr std::string_view kModified =
    "the object has been modified; please apply your changes to the latest version and try again";

// Throw ApiError (422) with all that is wrong.
void validate_create(const Served& served, const api::Object& object);
void validate_update(const Served& served, UpdateKind kind, const api::Object& object, const api::Object& old);
// Of objects as they are stored, by the rules of the version that the request spoke, if that has any.
void validate_create(const Served& served, const WriteRequest& request, const api::Object& object);
void validate_update(const Served& served, const WriteRequest& request, UpdateKind kind, const api::Object& object,
                     const api::Object& old);

// The resourceVersion a write carries, as a number: none and "0" are the same, whatever is stored. Throws ApiError (500) when it
// is no number.
Revision revision_of(const meta::v1::ObjectMeta& metadata);
// What a write demands of the object, its "UID" or "ResourceVersion", is not so: 409, which names the key; of a dry run without what all
// keys begin with.
[[noreturn]] void refuse_precondition(const Served& served, const ObjectKey& key, bool dry_run, std::string_view what,
                                      std::string_view wanted, std::string_view stored);
// An update of an object that has been made anew.
void check_uid(const Served& served, const ObjectKey& key, bool dry_run, std::string_view wanted, std::string_view stored);

}  // namespace ph::apiserver
