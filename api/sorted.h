// The access to protobuf maps: by key order. Their own order differs between runs of one binary; a test of the tree
// (tests/tree/map_order.py) finds what visits them in it.
#pragma once

#include <algorithm>
#include <vector>

#include <google/protobuf/map.h>

namespace ph {

// Pointers to the entries, in the order of their keys. Valid while the map is unchanged.
template <class K, class V>
std::vector<const typename google::protobuf::Map<K, V>::value_type*> sorted(const google::protobuf::Map<K, V>& map) {
  std::vector<const typename google::protobuf::Map<K, V>::value_type*> out;
  out.reserve(map.size());
  for (const auto& entry : map) out.push_back(&entry);
  std::ranges::sort(out, [](const auto* a, const auto* b) { return a->first < b->first; });
  return out;
}

// The map itself, where nothing that anybody sees depends on the order: each entry alone, a sum, whether all are so.
template <class Map>
Map& in_any_order(Map& map) {
  return map;
}

}  // namespace ph
