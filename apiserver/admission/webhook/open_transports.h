// OpenTransports: the connections to others that are kept from one question to the next.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <stdexcept>
#include <utility>

#include "apiserver/admission/webhook/transports.h"

namespace ph::apiserver {

// Belongs to the server's executor.
class OpenTransports {
 public:
  // `make` may be empty: then nobody can be reached.
  explicit OpenTransports(WebhookTransports make) : make_(std::move(make)) {}

  // Throws what `make` throws, and std::runtime_error without one.
  std::shared_ptr<Transport> to(const WebhookAddress& address) {
    const auto known = open_.find(address);
    if (known != open_.end()) return known->second;
    if (!make_) throw std::runtime_error("this server calls nobody");
    std::shared_ptr<Transport> made = make_(address);
    // Those of configurations that have gone, or of endpoints.
    if (open_.size() >= kOpenMax) std::erase_if(open_, [](const auto& entry) { return entry.second.use_count() == 1; });
    return open_[address] = std::move(made);
  }

 private:
  static constexpr std::size_t kOpenMax = 64;
  const WebhookTransports make_;
  std::map<WebhookAddress, std::shared_ptr<Transport>> open_;
};

}  // namespace ph::apiserver
