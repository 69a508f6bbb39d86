// The claims to devices that a pod names, those that are made for it, and what they are to look like. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "api/kinds.h"
#include "informers/pod_view.h"

namespace ph::controllers::resource_claim {

using Claim = resources::v1::ResourceClaim;
using Template = resources::v1::ResourceClaimTemplate;
using informers::PodView;

// Which of a pod's resourceClaims a claim was made for.
inline constexpr const char* kPodClaimName = "resource.kubernetes.io/pod-claim-name";

// One of a pod's resourceClaims.
struct PodClaim {
  std::string name = {};     // within the pod
  std::string from = {};     // the template it is made from; empty: the pod names a claim that somebody else has made
  std::string claim = {};    // that claim, or the one that was made; empty: none yet
  bool is_needless = false;  // its status says that no claim is needed
  bool is_made_here() const { return !from.empty() && !is_needless; }
};
std::vector<PodClaim> pod_claims(const PodView& pod);

// "namespace/name" of all claims that the pod uses, the one for its extended resources too; and of the templates it names. For indexes.
std::vector<std::string> claim_keys(const PodView& pod);
std::vector<std::string> template_keys(const PodView& pod);

// It does not run, and will not: nobody keeps anything for it.
bool is_done(const PodView& pod);
bool is_controlled_by(const Claim& claim, const PodView& pod);
// The annotation; empty: it was made for none.
std::string made_for(const Claim& claim);

// What a new claim is to be; the server makes its name of `generateName`, which has room for what the server adds.
Claim claim_from_template(const PodView& pod, const PodClaim& entry, const Template& from);

// Which claims were made, as a document to be applied to the pod's status: `made` by names within the pod, and of the others what the
// status says already.
std::string status_document(const PodView& pod, const std::map<std::string, std::string>& made);

}  // namespace ph::controllers::resource_claim
