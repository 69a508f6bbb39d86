#include "controllers/node_ipam/ledger.h"

#include <fmt/format.h>

namespace ph::controllers::node_ipam {

Ledger::Ledger(const Settings& settings) {
  for (const ClusterRange& range : settings.cluster) {
    RangePool& pool = pools_.emplace_back(range);
    for (const api::AddressRange& kept : settings.not_to_give) pool.hold(kept);
  }
}

std::vector<std::string> Ledger::note(const std::string& node, const std::string& uid, const std::vector<std::string>& cidrs) {
  Entry& entry = nodes_[node];
  const Entry before = entry;
  const bool is_known = before.uid == uid && before.cidrs == cidrs;
  entry = {.uid = uid, .cidrs = cidrs};
  if (is_known) return {};
  std::vector<std::string> strange;
  for (const std::string& cidr : cidrs) {
    if (!hold(cidr)) strange.push_back(cidr);
  }
  for (const std::string& cidr : before.cidrs) release(cidr);
  return strange;
}

void Ledger::forget(const std::string& node) {
  const auto found = nodes_.find(node);
  if (found == nodes_.end()) return;
  for (const std::string& cidr : found->second.cidrs) release(cidr);
  nodes_.erase(found);
}

std::expected<std::vector<std::string>, Ledger::Exhausted> Ledger::promise(const std::string& node, const std::string& uid) {
  const auto found = nodes_.find(node);
  if (found != nodes_.end() && found->second.is_promise && found->second.uid == uid) return found->second.cidrs;
  forget(node);
  std::vector<std::string> out;
  for (std::size_t i = 0; i < pools_.size(); ++i) {
    const auto part = pools_[i].take_next();
    if (!part) {
      for (const std::string& cidr : out) release(cidr);
      return std::unexpected(Exhausted{fmt::format(
          "failed to allocate cidr from cluster cidr at idx:{}: CIDR allocation failed; there are no remaining CIDRs left to "
          "allocate in the accepted range",
          i)});
    }
    out.push_back(part->text());
  }
  nodes_[node] = {.uid = uid, .cidrs = out, .is_promise = true};
  return out;
}

// A range that has addresses of two pools, which are of one family then, does not exist: there is one pool of each.
bool Ledger::hold(const std::string& cidr) {
  const auto range = api::read_address_range(cidr);
  if (!range) return false;
  bool out = false;
  for (RangePool& pool : pools_) out |= pool.hold(*range);
  return out;
}

void Ledger::release(const std::string& cidr) {
  const auto range = api::read_address_range(cidr);
  if (!range) return;
  for (RangePool& pool : pools_) pool.release(*range);
}

}  // namespace ph::controllers::node_ipam
