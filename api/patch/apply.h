// Server-side apply (KEP-555): a configuration laid over an object, by who owns which fields.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "api/object.h"
#include "api/patch/field_set.h"
#include "api/patch/managed_fields.h"
#include "base/time.h"

namespace ph::api {

struct Application {
  const nlohmann::json* config = nullptr;  // as it was sent; outlives the call
  std::string manager;
  std::string subresource;
  bool force = false;
  FieldSet reset;  // what cannot be set through this door: it is owned by nobody who applies here, and is no conflict
  void (*set_defaults)(Object& object) = nullptr;  // of messages; documents have theirs in their schema
};

// What becomes of `live`, which is of `schema`; null when there is no such object yet. The result has its defaults and its
// managed fields; one that nothing changes is as it was, their times included. Throws ApiError: 400 for a configuration of
// another kind or with managed fields, 409 with the fields that belong to others, 500, as upstream, for what does not fit the
// schema.
Object apply(const Schema& schema, const Object* live, const Application& application, const AsVersion& as_version, Time now);

}  // namespace ph::api
