#include "controllers/node_ipam/settings.h"

#include <stdexcept>
#include <string_view>

#include <fmt/format.h>

namespace ph::controllers::node_ipam {
namespace {

constexpr int kNodeBitsV4 = 24, kNodeBitsV6 = 64;  // where no flag says otherwise
// A range of IPv6 is divided into 65,536 parts at most.
constexpr unsigned kDividedMostV6 = 16;

template <class... Args>
[[noreturn]] void refuse(fmt::format_string<Args...> why, Args&&... args) {
  throw std::invalid_argument(fmt::format(why, std::forward<Args>(args)...));
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto from = text.find_first_not_of(kSpace);
  return from == text.npos ? std::string_view() : text.substr(from, text.find_last_not_of(kSpace) + 1 - from);
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> out;
  for (;;) {
    const auto comma = text.find(',');
    out.push_back(text.substr(0, comma));
    if (comma == text.npos) return out;
    text.remove_prefix(comma + 1);
  }
}

std::vector<api::AddressRange> cluster_ranges(const std::string& flag) {
  const std::string_view text = trimmed(flag);
  if (text.empty()) refuse("Controller: Must specify --cluster-cidr if --allocate-node-cidrs is set");
  std::vector<api::AddressRange> out;
  bool has_v4 = false, has_v6 = false;
  for (const std::string_view each : split(text)) {
    const auto range = api::read_address_range(each);
    if (!range) refuse("failed to parse cidr value:\"{}\" with error:invalid CIDR address: {}", each, each);
    out.push_back(*range);
    (range->address.is_v6 ? has_v6 : has_v4) = true;
  }
  if (out.size() > 1 && !(has_v4 && has_v6)) {
    refuse("len of ClusterCIDRs=={} and they are not configured as dual stack (at least one from each IPFamily", out.size());
  }
  if (out.size() > 2) refuse("length of clusterCIDRs is:{} more than max allowed of 2", out.size());
  return out;
}

// Upstream tells of what it cannot read, and goes on without it.
void read_services(const std::string& flag, Settings& settings) {
  if (trimmed(flag).empty()) return;
  const auto each = split(flag);
  for (const std::string_view text : each) {
    if (trimmed(text).empty()) continue;
    if (const auto range = api::read_address_range(text)) settings.not_to_give.push_back(*range);
    else settings.passed_over.emplace_back(text);
  }
  const auto& ranges = settings.not_to_give;
  if (ranges.size() == 2 && ranges[0].address.is_v6 == ranges[1].address.is_v6)
    refuse("serviceCIDR and secondaryServiceCIDR are not dualstack (from different IPfamiles)");
}

struct NodeBits {
  int v4 = kNodeBitsV4, v6 = kNodeBitsV6;
};
NodeBits node_bits(const NodeIpamOptions& options, const std::vector<api::AddressRange>& cluster) {
  NodeBits out;
  if (options.mask_size_ipv4 != 0) out.v4 = options.mask_size_ipv4;
  if (options.mask_size_ipv6 != 0) out.v6 = options.mask_size_ipv6;
  const bool is_dual = cluster.size() > 1;
  if (is_dual) {
    if (options.mask_size != 0) refuse("usage of --node-cidr-mask-size is not allowed with dual-stack clusters");
    return out;
  }
  const bool is_v6 = cluster[0].address.is_v6;
  if (options.mask_size != 0) {
    if (options.mask_size_ipv4 != 0 || options.mask_size_ipv6 != 0) {
      refuse(
          "usage of --node-cidr-mask-size-ipv4 and --node-cidr-mask-size-ipv6 is not allowed if --node-cidr-mask-size is set. "
          "For dual-stack clusters please unset it and use IPFamily specific flags");
    }
    return {options.mask_size, options.mask_size};
  }
  if (options.mask_size_ipv4 != 0 && is_v6)
    refuse("usage of --node-cidr-mask-size-ipv4 is not allowed for a single-stack IPv6 cluster");
  if (options.mask_size_ipv6 != 0 && !is_v6)
    refuse("usage of --node-cidr-mask-size-ipv6 is not allowed for a single-stack IPv4 cluster");
  return out;
}

ClusterRange divided(const api::AddressRange& range, int bits) {
  const bool is_v6 = range.address.is_v6;
  if (bits < static_cast<int>(range.bits)) {
    refuse(
        "Controller: Invalid --cluster-cidr, mask size of cluster CIDR must be less than or equal to --node-cidr-mask-size "
        "configured for CIDR family");
  }
  // Upstream starts with it, and gives what no server takes.
  if (bits > (is_v6 ? 128 : 32)) refuse("no address of {} has {} bits", is_v6 ? "IPv6" : "IPv4", bits);
  const auto node_bits = static_cast<unsigned>(bits);
  if (is_v6 && node_bits - range.bits > kDividedMostV6) refuse("New CIDR set failed; the node CIDR size is too big");
  return {range, node_bits};
}

}  // namespace

void check_service_ranges(const NodeIpamOptions& options) {
  if (split(options.service_cluster_ip_range).size() > 2)
    refuse("--service-cluster-ip-range can not contain more than two entries");
}

Settings read_settings(const NodeIpamOptions& options) {
  check_service_ranges(options);
  if (options.cidr_allocator_type != "RangeAllocator") refuse("invalid CIDR allocator type: {}", options.cidr_allocator_type);
  Settings out;
  const std::vector<api::AddressRange> cluster = cluster_ranges(options.cluster_cidr);
  read_services(options.service_cluster_ip_range, out);
  const NodeBits bits = node_bits(options, cluster);
  for (const api::AddressRange& range : cluster) out.cluster.push_back(divided(range, range.address.is_v6 ? bits.v6 : bits.v4));
  return out;
}

}  // namespace ph::controllers::node_ipam
