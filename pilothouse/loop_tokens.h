// --use-service-account-credentials: each loop acts as its own service account in kube-system, with tokens the apiserver issues
// and this keeps fresh. Reference: TokenRequest (authentication.k8s.io/v1).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/sync.h"
#include "informers/client.h"

namespace ph::pilothouse {

// Belongs to the executor of `client`, which acts as the controller manager itself.
class LoopTokens {
 public:
  LoopTokens(informers::Client& client, Executor& executor, std::vector<std::string> accounts, Log log);

  // The present token; empty when there is none yet.
  std::string token(std::string_view account) const;

  // Makes accounts that do not exist, gets a token for each, and gets new ones before the old ones end; until dropped.
  // Failures are logged and tried again.
  Task<void> run();

  // Resumes when every account has had its first token.
  Task<void> wait_complete();

 private:
  Task<void> keep(std::string account);
  // How long the new token is good.
  Task<Duration> renew(std::string account);

  informers::Client& client_;
  Executor& executor_;
  const std::vector<std::string> accounts_;
  const Log log_;
  std::map<std::string, std::string, std::less<>> tokens_;
  Event complete_;
};

}  // namespace ph::pilothouse
