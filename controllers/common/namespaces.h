// What loops ask about namespaces.
#pragma once

#include "api/kinds.h"
#include "controllers/runtime/loop.h"

namespace ph::controllers {

// Whether something may still be made in it.
inline bool takes_content(const core::v1::Namespace& space) {
  return !space.metadata().has_deletion_timestamp() && space.status().phase() != "Terminating";
}

// Makes what every namespace has, unless somebody else has made it (it comes by the informer), or the namespace goes or has gone.
template <class T>
Task<void> provide(Client& client, T object) {
  const Created<T> created = co_await client.try_create<T>(std::move(object));
  if (created.made == Made::Refused && !created.refusal->is("NotFound")) throw *created.refusal;
}

}  // namespace ph::controllers
