// A leader's way to the server: writes leave only while a lease is held for certain, and carry its fence. Reads pass.
#pragma once

#include <memory>
#include <stdexcept>

#include "base/transport.h"
#include "election/leadership.h"

namespace ph::election {

// A write was not sent, because nobody could say that this process leads. The server knows nothing of it.
class NotLeading : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// `POST`, `PUT`, `PATCH` and `DELETE` are judged at the moment they would leave: without certainty (Leadership::certain) the
// task throws NotLeading and Leadership counts it. With it, the request carries the fence of the present term. Other requests
// go through as they are. `inner` and `clock` must outlive it; it belongs to the executor of `inner`.
std::unique_ptr<Transport> guarded_transport(Transport& inner, std::shared_ptr<Leadership> leadership, const Clock& clock);

}  // namespace ph::election
