// A range of the cluster, divided into parts of one size: which of them are held, and which is given next. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "api/addresses.h"
#include "controllers/node_ipam/settings.h"

namespace ph::controllers::node_ipam {

// A part that is held twice is free when it has been released twice. What is held costs memory, whatever the range's size.
class RangePool {
 public:
  explicit RangePool(const ClusterRange& of);

  // Holds every part that has an address of `range`. False: none has.
  bool hold(const api::AddressRange& range);
  // Of what was held with the same range.
  void release(const api::AddressRange& range);
  // The next free part, and holds it: the search goes on behind the part that was given last, so that one that was released is not
  // given again at once. Nothing: all are held.
  std::optional<api::AddressRange> take_next();

  const api::AddressRange& range() const { return of_.range; }

 private:
  // Parts first … first + 2^order − 1; `first` is a multiple of their number. Two of them are apart, or one is within the other.
  struct Block {
    unsigned order = 0;
    std::uint64_t first = 0;
  };
  std::optional<Block> block_of(const api::AddressRange& range) const;
  std::uint64_t number_of(const api::Address& address) const;
  api::AddressRange part(std::uint64_t number) const;
  // The first part behind the block that holds this one; nothing: it is free.
  std::optional<std::uint64_t> end_of_held(std::uint64_t number) const;

  ClusterRange of_;
  std::uint64_t size_;
  std::uint64_t next_ = 0;
  std::map<unsigned, std::map<std::uint64_t, int>> held_;  // by order and first part: how often
};

}  // namespace ph::controllers::node_ipam
