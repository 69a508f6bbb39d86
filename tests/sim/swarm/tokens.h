// Users who make bootstrap tokens, and change them: for the swarms of the two loops that deal with them.
#pragma once

#include <set>
#include <string>

#include "tests/sim/swarm/swarm.h"

namespace ph::sim::swarm {

class Tokens {
 public:
  using Secret = core::v1::Secret;

  // Secrets that are tokens, and some that are nearly.
  static Secret make(Draw& draw, Time now);
  // Another expiration, secret, or use.
  static void change(Draw& draw, Time now, Secret& secret);

  // By its namespace and type.
  static bool is_token(const Secret& secret);
  // Until when it may be used: nothing means for ever.
  static std::optional<Time> until(const Secret& secret);
  // The ID under which it signs, and what with, whether or not it has expired; nothing: it does not sign.
  struct Signer {
    std::string id, secret;
  };
  static std::optional<Signer> signer(const Secret& secret);
};

}  // namespace ph::sim::swarm
