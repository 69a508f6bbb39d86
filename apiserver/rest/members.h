// The top-level members of an object: what an update may change and what is kept.
#pragma once

#include "apiserver/access.h"

namespace ph::apiserver {

bool has_status(const Message& object);
void clear_status(Message& object);
// Gives `object` the status of `old`.
void restore_status(Message& object, const Message& old);
// Gives `object` everything of `old` but metadata and status.
void restore_all_but_status(Message& object, const Message& old);
// Whether anything but metadata and status differs.
bool spec_differs(const Message& a, const Message& b);

std::unique_ptr<Message> clone(const Message& object);

}  // namespace ph::apiserver
