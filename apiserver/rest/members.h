// The top-level members of an object, by the object model's names for them.
#pragma once

#include "api/members.h"

namespace ph::apiserver {

using api::clear_status;
using api::clone;
using api::has_status;
using api::restore_all_but_status;
using api::restore_status;
using api::spec_differs;

}  // namespace ph::apiserver
