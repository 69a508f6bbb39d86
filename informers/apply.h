// Server-side apply, for the few who write that way.
#pragma once

#include <string>

#include "informers/client.h"

namespace ph::informers {

// Applies `document` (JSON, with apiVersion, kind and name) as `field_manager`, and takes over fields that others manage. Gone: there is
// no such object. Every other failure is thrown, that of another UID than the document's too.
// Observers of the client's writes are not told: whoever applies may do so again before the informers show it, which changes nothing.
Task<Patched> try_apply(Client& client, const api::Schema& schema, ObjectKey key, std::string subresource, std::string document,
                        std::string field_manager);

}  // namespace ph::informers
