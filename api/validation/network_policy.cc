// networking.k8s.io/v1 NetworkPolicy.
#include <fmt/format.h>

#include "api/addresses.h"
#include "api/validation/validation.h"

namespace ph::api {

using namespace networking::v1;

namespace {

constexpr int kPolicyTypesMax = 2;

// Ranges that were stored before they had to be in the standard form.
using Stored = std::set<std::string_view>;

void check_ports(const NetworkPolicyPort& it, const Path& at, Errors& errors) {
  if (it.has_protocol()) check_one_of(it.protocol(), {"TCP", "UDP", "SCTP"}, at.member("protocol"), errors);
  const Path port = at.member("port"), end = at.member("endPort");
  if (!it.has_port()) {
    if (it.has_end_port()) errors.invalid(end, it.end_port(), "may not be specified when `port` is not specified");
  } else if (is_int(it.port())) {
    check_port(it.port().int_val(), port, errors);
    if (!it.has_end_port()) return;
    // Upstream tells the port here, not its end.
    if (it.end_port() < it.port().int_val()) errors.invalid(end, it.port().int_val(), "must be greater than or equal to `port`");
    check_port(it.end_port(), end, errors);
  } else {
    if (it.has_end_port()) errors.invalid(end, it.end_port(), "may not be specified when `port` is non-numeric");
    check_port_or_name(it.port(), port, errors);
  }
}

void check_range(const std::string& text, const Stored& stored, const Path& path, Errors& errors) {
  if (!stored.contains(text)) check_cidr(text, path, errors);
}

void check_block(const IPBlock& block, const Stored& stored, const Path& path, Errors& errors) {
  if (block.cidr().empty()) return errors.required(path.member("cidr"));
  check_range(block.cidr(), stored, path.member("cidr"), errors);
  const auto range = read_address_range(block.cidr());
  if (!range) return;
  for (int i = 0; i < block.except_size(); ++i) {
    const std::string& text = block.except(i);
    const Path at = path.member("except").index(static_cast<std::size_t>(i));
    check_range(text, stored, at, errors);
    const auto hole = read_address_range(text);
    if (!hole) continue;
    const bool within = range->contains(hole->network()) && hole->bits > range->bits;
    if (!within) errors.invalid_text(at, text, "must be a strict subset of `cidr`");
  }
}

void check_peer(const NetworkPolicyPeer& peer, const Stored& stored, const Path& path, Errors& errors) {
  if (peer.has_pod_selector()) check_label_selector(peer.pod_selector(), path.member("podSelector"), errors);
  if (peer.has_namespace_selector()) check_label_selector(peer.namespace_selector(), path.member("namespaceSelector"), errors);
  if (peer.has_ip_block()) check_block(peer.ip_block(), stored, path.member("ipBlock"), errors);
  const bool selects = peer.has_pod_selector() || peer.has_namespace_selector();
  if (!selects && !peer.has_ip_block()) errors.required(path, "must specify a peer");
  if (selects && peer.has_ip_block()) errors.forbidden(path, "may not specify both ipBlock and another peer");
}

const auto& peers_of(const NetworkPolicyIngressRule& rule) { return rule.from(); }
const auto& peers_of(const NetworkPolicyEgressRule& rule) { return rule.to(); }

template <class Rule>
void check_rules(const google::protobuf::RepeatedPtrField<Rule>& rules, std::string_view peers, const Stored& stored,
                 const Path& path, Errors& errors) {
  for (int r = 0; r < rules.size(); ++r) {
    const Path at = path.index(static_cast<std::size_t>(r));
    for (int i = 0; i < rules[r].ports_size(); ++i) {
      check_ports(rules[r].ports(i), at.member("ports").index(static_cast<std::size_t>(i)), errors);
    }
    for (int i = 0; i < peers_of(rules[r]).size(); ++i) {
      check_peer(peers_of(rules[r])[i], stored, at.member(peers).index(static_cast<std::size_t>(i)), errors);
    }
  }
}

void check_spec(const NetworkPolicySpec& spec, const Stored& stored, Errors& errors) {
  const Path path("spec"), types = path.member("policyTypes");
  check_label_selector(spec.pod_selector(), path.member("podSelector"), errors);
  check_rules(spec.ingress(), "from", stored, path.member("ingress"), errors);
  check_rules(spec.egress(), "to", stored, path.member("egress"), errors);
  if (spec.policy_types_size() > kPolicyTypesMax) {
    return errors.invalid(types, json_of(spec.policy_types()), "may not specify more than two policyTypes");
  }
  for (int i = 0; i < spec.policy_types_size(); ++i) {
    check_one_of(spec.policy_types(i), {"Ingress", "Egress"}, types.index(static_cast<std::size_t>(i)), errors);
  }
}

void take_ranges(const NetworkPolicyPeer& peer, Stored& out) {
  if (!peer.has_ip_block()) return;
  out.insert(peer.ip_block().cidr());
  out.insert(peer.ip_block().except().begin(), peer.ip_block().except().end());
}

Stored ranges_of(const NetworkPolicySpec& spec) {
  Stored out;
  for (const auto& rule : spec.ingress()) {
    for (const auto& peer : rule.from()) take_ranges(peer, out);
  }
  for (const auto& rule : spec.egress()) {
    for (const auto& peer : rule.to()) take_ranges(peer, out);
  }
  return out;
}

}  // namespace

void validate(const NetworkPolicy& policy, Errors& errors) { check_spec(policy.spec(), {}, errors); }

void validate_update(const NetworkPolicy& now, const NetworkPolicy& old, Errors& errors) {
  check_spec(now.spec(), ranges_of(old.spec()), errors);
}

}  // namespace ph::api
