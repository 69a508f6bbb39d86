// Writes of the server to itself.
#pragma once

#include <memory>

#include "apiserver/server.h"

namespace ph::apiserver {

// Puts a changed object in the place of the one that it was read from, as the server itself. That somebody else has changed or removed it
// meanwhile is no error. Throws ApiError.
Task<void> put_object(ApiServer& server, std::unique_ptr<google::protobuf::Message> object);

}  // namespace ph::apiserver
