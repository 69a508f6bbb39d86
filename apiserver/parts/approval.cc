// PUT and PATCH of certificatesigningrequests/x/approval: whether what is asked for is granted.
#include "api/certificates.h"
#include "api/errors.h"
#include "api/object.h"
#include "apiserver/parts/object_part.h"
#include "apiserver/parts/parts.h"
#include "apiserver/registry/request_conditions.h"

namespace ph::apiserver {
namespace {

using certificates::v1::CertificateSigningRequest;

MakePart with_verdict(const Core& core, const Call& call) {
  return [&core, &call](const api::Object& stored, const api::Object& wanted) -> api::Object {
    const auto& before = stored.as<CertificateSigningRequest>();
    auto request = std::make_unique<CertificateSigningRequest>(wanted.as<CertificateSigningRequest>());
    *request->mutable_spec() = before.spec();
    request->mutable_status()->set_certificate(before.status().certificate());
    date_conditions(*request, before, core.now());
    api::Errors errors;
    api::validate_approval(*request, before, errors);
    if (!errors.empty()) throw api::invalid(call.served->qualified_kind, request->metadata().name(), errors.list());
    return request;
  };
}

}  // namespace

Task<HttpResponse> update_approval(Core& core, Call& call) { return update_part(core, call, with_verdict(core, call)); }
Task<HttpResponse> patch_approval(Core& core, Call& call) { return patch_part(core, call, with_verdict(core, call)); }

}  // namespace ph::apiserver
