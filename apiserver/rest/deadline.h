// How long a request may take: what its URL says, at most what the server allows.
#pragma once

#include <optional>

#include "api/errors.h"
#include "apiserver/rest/core.h"

namespace ph::apiserver {

// Nothing for those that may last: watches, logs, exec and the like. Throws ApiError (400) for a timeout that is none.
std::optional<Duration> time_limit(const ServerOptions& options, const RequestInfo& info, const Query& query);

// What a request is answered whose time is over. What it began may still be carried out.
api::ApiError out_of_time();

}  // namespace ph::apiserver
