// What the server has of a resource at a moment: for those who must know how far behind a copy is.
#pragma once

#include <string>
#include <unordered_map>

#include "base/revision.h"
#include "informers/client.h"
#include "informers/informer.h"
#include "informers/key_view.h"

namespace ph::informers::detail {

struct LiveState {
  Revision now;     // the list's own
  Revision newest;  // of the objects
  std::unordered_map<ObjectKey, std::string, KeyHash> uids;
};

// Of what `decoder` selects. Reads metadata, in chunks of one moment. Throws what the client throws.
Task<LiveState> read_live(Client& client, const Decoder& decoder);

}  // namespace ph::informers::detail
