// What somebody may do for a signer of certificates (upstream: pkg/apis/certificates, IsAuthorizedForSignerName).
#include "apiserver/admission/admission.h"

namespace ph::apiserver {

Task<bool> may_for_signer(Authorizer& authorizer, const Identity& user, std::string verb, std::string signer) {
  RequestInfo info;
  info.is_resource = true;
  info.verb = std::move(verb);
  info.group = "certificates.k8s.io";
  info.version = "*";
  info.resource = "signers";
  const std::string of_domain = signer.substr(0, signer.find('/')) + "/*";
  for (const std::string& name : {signer, of_domain}) {
    info.name = name;
    const Decision decision = co_await authorizer.authorize_soon({user, info});
    if (decision.kind == Decision::Kind::Allow) co_return true;
  }
  co_return false;
}

}  // namespace ph::apiserver
