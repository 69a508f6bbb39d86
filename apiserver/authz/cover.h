// Whether rules that somebody holds cover rules that are wanted: asked by the check against escalation, and when the default roles
// are kept. Reference: "Using RBAC Authorization", "Privilege escalation prevention and bootstrapping".
#pragma once

#include <span>
#include <vector>

#include "api/kinds.h"

namespace ph::apiserver {

struct CoverLimits {
  std::size_t missing = 100;     // rules that are told: each may name hundreds of things
  std::size_t work = 4'000'000;  // steps, of some nanoseconds each
};

struct Coverage {
  bool complete = true;  // all that is wanted is held
  // What is not held, as rules of one verb, group, resource and name (or one verb and path) each, in the order of what is wanted.
  std::vector<rbac::v1::PolicyRule> missing;
  bool all_told = true;  // false: more is missing than is told, or the work came to its limit before that was known
  std::size_t work = 0;
};

// A rule names a product: verbs × groups × resources × names. It is never multiplied out: what is not told apart by any held rule
// is judged together, so that work and memory grow with the rules as they are written. Rules that are made to be told apart
// everywhere come to the limit, and then nothing is covered. Threads: any.
Coverage rules_cover(std::span<const rbac::v1::PolicyRule> held, std::span<const rbac::v1::PolicyRule> wanted,
                     const CoverLimits& limits = {});

}  // namespace ph::apiserver
