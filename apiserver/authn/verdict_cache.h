// What has been said of tokens lately. Of the tokens digests are kept, never themselves. Threads: any.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "apiserver/authn/token_source.h"
#include "base/time.h"
#include "net/encoding.h"

namespace ph::apiserver {

class VerdictCache {
 public:
  // Zero: nothing is kept. The clock outlives it.
  VerdictCache(const Clock& clock, Duration ttl) : clock_(clock), ttl_(ttl) {}

  std::optional<TokenVerdict> find(std::string_view token, const Audiences& audiences) const {
    const std::string key = key_of(token, audiences);
    const std::lock_guard lock(mutex_);
    const auto found = known_.find(key);
    if (found == known_.end() || found->second.until <= clock_.steady()) return std::nullopt;
    return found->second.verdict;
  }

  void put(std::string_view token, const Audiences& audiences, const TokenVerdict& verdict) {
    if (ttl_ <= Duration::zero()) return;
    const Steady now = clock_.steady();
    const std::lock_guard lock(mutex_);
    if (known_.size() >= kMost) std::erase_if(known_, [&](const auto& each) { return each.second.until <= now; });
    if (known_.size() >= kMost) known_.clear();
    known_[key_of(token, audiences)] = {verdict, now + ttl_};
  }

  void clear() {
    const std::lock_guard lock(mutex_);
    known_.clear();
  }

 private:
  static constexpr std::size_t kMost = 4096;
  struct Known {
    TokenVerdict verdict;
    Steady until;
  };

  static std::string key_of(std::string_view token, const Audiences& audiences) {
    std::string text;
    for (const std::string& each : audiences) text += std::to_string(each.size()) + ":" + each;
    text += "/";
    return net::sha256(text.append(token));
  }

  const Clock& clock_;
  const Duration ttl_;
  mutable std::mutex mutex_;
  std::map<std::string, Known> known_;  // guarded
};

}  // namespace ph::apiserver
