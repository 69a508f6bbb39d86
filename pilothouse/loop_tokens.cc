#include "pilothouse/loop_tokens.h"

#include <algorithm>

#include "api/times.h"
#include "authentication/v1.pb.h"
#include "core/v1.pb.h"

namespace ph::pilothouse {
namespace {

constexpr char kNamespace[] = "kube-system";
constexpr Duration kValidity = 1h;
constexpr Duration kRetry = 1s, kRetryMax = 30s;

core::v1::ServiceAccount account_object(const std::string& name) {
  core::v1::ServiceAccount account;
  account.mutable_metadata()->set_namespace_(kNamespace);
  account.mutable_metadata()->set_name(name);
  return account;
}

}  // namespace

LoopTokens::LoopTokens(informers::Client& client, Executor& executor, std::vector<std::string> accounts, Log log)
    : client_(client), executor_(executor), accounts_(std::move(accounts)), log_(std::move(log)) {
  if (accounts_.empty()) complete_.set();
}

std::string LoopTokens::token(std::string_view account) const {
  const auto found = tokens_.find(account);
  return found == tokens_.end() ? std::string() : found->second;
}

Task<void> LoopTokens::run() {
  Scope scope(executor_);
  for (const std::string& account : accounts_) scope.spawn(keep(account));
  co_await scope.join();
}

Task<void> LoopTokens::wait_complete() { co_await complete_.wait(); }

Task<void> LoopTokens::keep(std::string account) {
  for (Duration retry = kRetry;;) {
    Duration pause;
    try {
      // Well before the end: an apiserver that is away for a while must not stop the loops.
      pause = co_await renew(account) * 4 / 5;
      retry = kRetry;
    } catch (const std::exception& error) {
      log_.warning("no token for a loop's service account", "account", account, "err", error.what());
      pause = std::exchange(retry, std::min(2 * retry, kRetryMax));
    }
    co_await sleep_for(pause);
  }
}

Task<Duration> LoopTokens::renew(std::string account) {
  const ObjectKey key{kNamespace, account};
  if (!co_await client_.find<core::v1::ServiceAccount>(key)) {
    const auto created = co_await client_.try_create(account_object(account));
    const bool is_there = created.made == informers::Made::Yes || created.made == informers::Made::Exists;
    if (!is_there) throw *created.refusal;
  }
  authentication::v1::TokenRequest request;
  request.mutable_spec()->set_expiration_seconds(std::chrono::duration_cast<std::chrono::seconds>(kValidity).count());
  const auto answer = co_await client_.post_subresource<core::v1::ServiceAccount, authentication::v1::TokenRequest,
                                                        authentication::v1::TokenRequest>(key, "token", std::move(request));
  tokens_[account] = answer.status().token();
  if (tokens_.size() == accounts_.size()) complete_.set();
  const Time ends = api::to_time(answer.status().expiration_timestamp());
  co_return std::max<Duration>(ends - executor_.clock().now(), 1min);
}

}  // namespace ph::pilothouse
