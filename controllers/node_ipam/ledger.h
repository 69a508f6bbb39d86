// Which ranges each node has, or has been promised. Pure.
#pragma once

#include <expected>
#include <map>
#include <string>
#include <vector>

#include "controllers/node_ipam/range_pool.h"

namespace ph::controllers::node_ipam {

class Ledger {
 public:
  explicit Ledger(const Settings& settings);

  // A node says that it has these, and had not said so before. Those that are no ranges of the cluster, if this is news: nobody can
  // promise that another node does not get them, too.
  std::vector<std::string> note(const std::string& node, const std::string& uid, const std::vector<std::string>& cidrs);
  // The node is gone, or will not get what it was promised.
  void forget(const std::string& node);

  // Why there is nothing to promise, in upstream's words.
  struct Exhausted {
    std::string why;
    bool operator==(const Exhausted&) const = default;
  };
  // What a node that has none is to get: a part of each range of the cluster. The same again until it is noted or forgotten, for
  // nobody knows whether a write without an answer was carried out.
  std::expected<std::vector<std::string>, Exhausted> promise(const std::string& node, const std::string& uid);

 private:
  struct Entry {
    std::string uid;
    std::vector<std::string> cidrs;
    bool is_promise = false;
  };
  bool hold(const std::string& cidr);
  void release(const std::string& cidr);

  std::vector<RangePool> pools_;
  std::map<std::string, Entry, std::less<>> nodes_;
};

}  // namespace ph::controllers::node_ipam
