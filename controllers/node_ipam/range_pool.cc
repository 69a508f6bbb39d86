#include "controllers/node_ipam/range_pool.h"

#include <algorithm>

namespace ph::controllers::node_ipam {
namespace {

bool bit_of(const api::Address& address, unsigned at) { return address.bytes[at / 8] >> (7 - at % 8) & 1; }

void set_bit(api::Address& address, unsigned at) { address.bytes[at / 8] |= static_cast<std::uint8_t>(1u << (7 - at % 8)); }

}  // namespace

RangePool::RangePool(const ClusterRange& of) : of_(of), size_(std::uint64_t{1} << (of.node_bits - of.range.bits)) {
  of_.range.address = of.range.network();
}

bool RangePool::hold(const api::AddressRange& range) {
  const auto block = block_of(range);
  if (!block) return false;
  ++held_[block->order][block->first];
  return true;
}

void RangePool::release(const api::AddressRange& range) {
  const auto block = block_of(range);
  if (!block) return;
  const auto of_order = held_.find(block->order);
  if (of_order == held_.end()) return;
  const auto found = of_order->second.find(block->first);
  if (found == of_order->second.end()) return;
  if (--found->second == 0) of_order->second.erase(found);
  if (of_order->second.empty()) held_.erase(of_order);
}

std::optional<api::AddressRange> RangePool::take_next() {
  std::uint64_t number = next_;
  for (std::uint64_t passed = 0; passed < size_;) {
    const auto end = end_of_held(number);
    if (!end) {
      next_ = (number + 1) % size_;
      ++held_[0][number];
      return part(number);
    }
    passed += *end - number;
    number = *end % size_;
  }
  return std::nullopt;
}

std::optional<RangePool::Block> RangePool::block_of(const api::AddressRange& range) const {
  if (range.bits <= of_.range.bits) {
    if (!range.contains(of_.range.address)) return std::nullopt;
    return Block{.order = of_.node_bits - of_.range.bits, .first = 0};
  }
  if (!of_.range.contains(range.address)) return std::nullopt;
  const unsigned order = of_.node_bits - std::min(range.bits, of_.node_bits);
  return Block{.order = order, .first = number_of(range.address) >> order << order};
}

std::uint64_t RangePool::number_of(const api::Address& address) const {
  std::uint64_t out = 0;
  for (unsigned at = of_.range.bits; at < of_.node_bits; ++at) out = out << 1 | bit_of(address, at);
  return out;
}

api::AddressRange RangePool::part(std::uint64_t number) const {
  api::AddressRange out{.address = of_.range.address, .bits = of_.node_bits};
  for (unsigned at = of_.node_bits; at > of_.range.bits; --at, number >>= 1) {
    if (number & 1) set_bit(out.address, at - 1);
  }
  return out;
}

std::optional<std::uint64_t> RangePool::end_of_held(std::uint64_t number) const {
  for (auto of_order = held_.rbegin(); of_order != held_.rend(); ++of_order) {
    const std::uint64_t first = number >> of_order->first << of_order->first;
    if (of_order->second.contains(first)) return first + (std::uint64_t{1} << of_order->first);
  }
  return std::nullopt;
}

}  // namespace ph::controllers::node_ipam
