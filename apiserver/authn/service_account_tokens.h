// Service account tokens: issued for a service account, and good as long as it and what they are bound to exist.
#pragma once

#include <array>
#include <expected>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "apiserver/access.h"
#include "apiserver/authn/claims.h"
#include "apiserver/authn/token_keys.h"
#include "base/metrics.h"
#include "base/time.h"

namespace ph::apiserver {

// Threads: any, but for `check`.
class ServiceAccountTokens {
 public:
  struct Options {
    std::string issuer = "https://kubernetes.default.svc.cluster.local";
    std::vector<std::string> api_audiences;  // empty: the issuer
    Metrics* metrics = nullptr;
  };
  // The references must outlive it.
  ServiceAccountTokens(const TokenKeys& keys, ObjectReader& reader, const Clock& clock, Options options);

  const std::string& issuer() const { return options_.issuer; }
  const std::vector<std::string>& api_audiences() const { return options_.api_audiences; }

  // A signed token with these claims; issuer and subject are filled in.
  std::string issue(Claims claims) const;

  // Whose token it is, when it is good now for one of `audiences` (empty: the API's own); or what is wrong with it.
  // `matched` gets the audiences it is good for. On the server's executor.
  std::expected<Identity, std::string> check(std::string_view token, const std::vector<std::string>& audiences,
                                             std::vector<std::string>* matched = nullptr) const;
  // The same; nothing when only the executor can tell.
  std::optional<std::expected<Identity, std::string>> check_here(std::string_view token,
                                                                 const std::vector<std::string>& audiences,
                                                                 std::vector<std::string>* matched = nullptr) const;

 private:
  using Problem = std::optional<std::string>;  // empty: there is none; nothing: only the executor can tell
  enum Kind { kServiceAccount, kPod, kSecret, kNode, kKinds };
  struct Source {
    const api::Resource* resource;
    const WatchCache* cache;
  };

  std::optional<std::expected<Identity, std::string>> judge(std::string_view token, const std::vector<std::string>& audiences,
                                                            std::vector<std::string>* matched) const;
  std::expected<Claims, std::string> read(std::string_view token) const;
  Problem problem_with(const Claims& claims, Time now) const;
  Problem problem_with_object(Kind kind, const ObjectKey& key, const std::string& uid, Time now, const char* what) const;

  const TokenKeys& keys_;
  const Clock& clock_;
  Options options_;
  std::array<Source, kKinds> sources_;
  const Counter valid_, stale_;  // uses; of extended tokens that should not be needed any more
  // Tokens whose signature has been checked; clients send the same one with every request.
  mutable std::mutex mutex_;
  mutable std::unordered_map<std::string, Claims> known_;  // guarded
};

}  // namespace ph::apiserver
