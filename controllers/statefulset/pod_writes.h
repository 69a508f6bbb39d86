// Makes, changes and deletes a StatefulSet's pods and their claims, and tells of each in an event about the set, in upstream's
// words (pkg/controller/statefulset: StatefulPodControl).
#pragma once

#include <string>

#include "controllers/statefulset/plan.h"

namespace ph::controllers::statefulset {

// For one pass over one set. All that it is given must outlive it.
class PodWrites {
 public:
  PodWrites(Client& client, EventRecorder& events, const Informer<Claim>& claims, const StatefulSet& set);

  // A pod that is ready to be sent, after its claims. Its UID; empty: the namespace is on its way out, where nothing is made or
  // missed.
  Task<std::string> create(core::v1::Pod pod, std::int64_t ordinal);
  Task<void> remove(PodWork work);
  // Claims that are missing, and the owners of those that are there.
  Task<void> make_claims(PodWork work);
  Task<void> fit_claims(PodWork work);
  // Gives the pod what it lacks of its identity, its storage and the owners of its claims.
  Task<void> fit(PodWork work);

 private:
  Task<void> make_missing_claims(std::int64_t ordinal);
  Task<bool> fit_owners_of_claims(PodWork work);
  ClaimingPod claiming_pod(const PodWork& work) const;
  // Of what was tried, with what came of it.
  void tell(const char* verb, const std::string& pod, const std::exception* error);

  Client& client_;
  EventRecorder& events_;
  const Informer<Claim>& claims_;
  const StatefulSet& set_;
  const core::v1::ObjectReference about_;
};

}  // namespace ph::controllers::statefulset
