// What loops ask about namespaces.
#pragma once

#include <algorithm>

#include "api/errors.h"
#include "api/kinds.h"

namespace ph::controllers {

// Whether something may still be made in it.
inline bool takes_content(const core::v1::Namespace& space) {
  return !space.metadata().has_deletion_timestamp() && space.status().phase() != "Terminating";
}

// Whether a request was refused because its namespace is on its way out. Other refusals of the same code (a quota's, say) may pass.
inline bool namespace_is_ending(const api::ApiError& error) {
  return std::ranges::any_of(error.status().details().causes(), [](const auto& cause) { return cause.reason() == "NamespaceTerminating"; });
}

// Whether what every namespace has was refused there since somebody else has made it, or since the namespace goes or has gone.
inline bool need_not_be_made(const api::ApiError& error) {
  return error.is("AlreadyExists") || error.is("NotFound") || namespace_is_ending(error);
}

}  // namespace ph::controllers
