#include <utility>

#include <fmt/format.h>

#include "api/pem.h"
#include "api/warnings/parts.h"

namespace ph::api {

using core::v1::Secret;
using core::v1::Service;

Warnings warnings_of(const Service& service) {
  Warnings out;
  const auto& spec = service.spec();
  if (spec.external_ips_size() > 0)
    out.emplace_back("spec.externalIPs is deprecated and may no longer be implemented in some clusters");
  if (spec.cluster_ip() == "None" && spec.session_affinity() == "ClientIP")
    out.emplace_back("spec.SessionAffinity is ignored for headless services");
  if (!spec.external_name().empty() && spec.type() != "ExternalName") {
    out.emplace_back("spec.externalName is ignored when spec.type is not \"ExternalName\"");
  }
  if (spec.traffic_distribution() == "PreferClose") {
    out.emplace_back("spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"");
  }
  return out;
}

Warnings warnings_of(const discovery::v1::EndpointSlice& slice) {
  if (slice.address_type() != "FQDN") return {};
  return {"spec.addressType: FQDN endpoints are deprecated"};
}

Warnings warnings_of(const Secret& secret) {
  if (secret.type() != "kubernetes.io/tls") return {};
  for (const auto& [key, what] : {std::pair("tls.crt", "certificate"), std::pair("tls.key", "key")}) {
    const auto found = secret.data().find(key);
    std::string_view text = found == secret.data().end() ? std::string_view() : std::string_view(found->second);
    if (!next_pem_block(text)) return {fmt::format("tls: failed to find any PEM data in {} input", what)};
  }
  return {};
}

}  // namespace ph::api
