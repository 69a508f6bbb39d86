#include "api/warnings/parts.h"

#include <fmt/format.h>

#include "api/addresses.h"
#include "api/rules.h"

namespace ph::api {
namespace {

constexpr const char* kIngressClass = "kubernetes.io/ingress.class";

// -- Ranges of addresses

void warn_of_range(const std::string& text, const Path& path, Warnings& out) {
  const auto range = read_address_range(text);
  if (!range) return;
  const std::size_t before = out.size();
  if (range->network().bytes != range->address.bytes) {
    out.push_back(fmt::format("{}: CIDR value \"{}\" is ambiguous in this context (should be \"{}\" or \"{}/{}\"?)", path.text(),
                              text, range->text(), range->address.text(), range->address.is_v6 ? 128 : 32));
  }
  if (!range->is_standard()) {
    out.push_back(
        fmt::format("{}: non-standard CIDR value \"{}\" will be considered invalid in a future Kubernetes release: use \"{}\"",
                    path.text(), text, range->text()));
  }
  if (out.size() > before || !range->address.is_v6 || range->text() == text) return;
  out.push_back(fmt::format("{}: IPv6 CIDR value \"{}\" should be in RFC 5952 canonical format (\"{}\")", path.text(), text,
                            range->text()));
}

template <class Peers>
void warn_of_peers(const Peers& peers, const Path& path, Warnings& out) {
  for (int i = 0; i < peers.size(); ++i) {
    if (!peers[i].has_ip_block()) continue;
    const Path block = path.index(static_cast<std::size_t>(i)).member("ipBlock");
    warn_of_range(peers[i].ip_block().cidr(), block.member("cidr"), out);
    for (int e = 0; e < peers[i].ip_block().except_size(); ++e) {
      warn_of_range(peers[i].ip_block().except(e), block.member("except").index(static_cast<std::size_t>(e)), out);
    }
  }
}

}  // namespace

Warnings warnings_of(const networking::v1::Ingress& ingress) {
  if (!ingress.metadata().annotations().contains(kIngressClass) || ingress.spec().has_ingress_class_name()) return {};
  return {fmt::format("annotation \"{}\" is deprecated, please use 'spec.ingressClassName' instead", kIngressClass)};
}

Warnings warnings_of(const networking::v1::NetworkPolicy& policy) {
  Warnings out;
  const Path spec("spec"), ingress = spec.member("ingress"), egress = spec.member("egress");
  for (int i = 0; i < policy.spec().ingress_size(); ++i) {
    warn_of_peers(policy.spec().ingress(i).from(), ingress.index(static_cast<std::size_t>(i)).member("from"), out);
  }
  for (int i = 0; i < policy.spec().egress_size(); ++i) {
    warn_of_peers(policy.spec().egress(i).to(), egress.index(static_cast<std::size_t>(i)).member("to"), out);
  }
  return out;
}

}  // namespace ph::api
