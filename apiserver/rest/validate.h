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
void validate_create(const Served& served, const Message& object);
void validate_update(const Served& served, UpdateKind kind, const Message& object, const Message& old);

inline ObjectKey key_of_object(const Message& object) {
  const meta::v1::ObjectMeta& metadata = api::metadata(object);
  return {metadata.namespace_(), metadata.name()};
}

}  // namespace ph::apiserver
