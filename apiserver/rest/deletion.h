// What a delete does: nothing yet, mark the object, or remove it. A pure function of the object and the options.
#pragma once

#include <memory>

#include "apiserver/rest/core.h"

namespace ph::apiserver {

struct Deletion {
  enum class Action { Keep, Mark, Remove } action = Action::Keep;
  api::Object object;  // Mark: the object to store; Remove: as it goes, when that is told
};

// What is told of an object that goes with a write, under the revision of `entry`.
EntryRef last_state(api::Object& object, const Entry& entry);

Deletion plan_deletion(const Served& served, const api::Object& stored, const meta::v1::DeleteOptions& options, Time now);

}  // namespace ph::apiserver
