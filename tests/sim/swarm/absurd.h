// Objects as another server, or one of another version, may have left them in the store: fields missing, and fields that say what
// cannot be.
#pragma once

#include <google/protobuf/message.h>

#include "tests/sim/swarm/swarm.h"

namespace ph::sim::swarm {

// Changes a few fields, at any depth. Not who the object is: its name, namespace and UID stay. Numbers of what a loop would make are
// kept small, for as many would be made.
void spoil(Draw& draw, google::protobuf::Message& object);

}  // namespace ph::sim::swarm
