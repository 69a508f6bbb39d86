// Server-side apply, forced, under a manager's name of its own: for loops that upstream writes so, which everybody can read in an
// object's managedFields.
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "controllers/runtime/loop.h"

namespace ph::controllers {

struct Applied {
  Revision revision;                     // of the object, as it is now
  std::optional<api::ApiError> refusal;  // the server's answer, when nothing was applied; 409: the object is another, or is gone
};

// `document` is the whole of what `manager` wants of the object, without its type and name. It is for the object with that UID alone:
// nothing is created. Throws TransportError.
// The runtime does not see this write: who makes it waits until the informer has the revision (`seen`) before it lets go of the key.
template <class T>
Task<Applied> apply(Client& client, const T& to, std::string manager, nlohmann::json document, std::string subresource = {});

// Resumes when the informer has shown it.
template <class T>
Task<void> seen(Informer<T>& informer, const Applied& applied) {
  if (!applied.refusal) co_await informer.any().wait_for(applied.revision);
}

// The same by schema, key and UID, where there is no object at hand.
Task<Applied> apply(Client& client, const api::Schema& schema, ObjectKey key, std::string uid, std::string manager,
                    nlohmann::json document, std::string subresource = {});

template <class T>
Task<Applied> apply(Client& client, const T& to, std::string manager, nlohmann::json document, std::string subresource) {
  return apply(client, api::schema_of<T>(), key_of(to), to.metadata().uid(), std::move(manager), std::move(document),
               std::move(subresource));
}

}  // namespace ph::controllers
