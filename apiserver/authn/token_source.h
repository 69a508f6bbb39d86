// The ways to know a bearer token, and all of them as one: who asks with a token is asked of each in turn.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apiserver/access.h"
#include "apiserver/authn/service_account_tokens.h"
#include "apiserver/authn/static_tokens.h"

namespace ph::apiserver {

using Audiences = std::vector<std::string>;

// What is said of a token.
struct TokenVerdict {
  std::optional<Identity> user;  // it is good
  Audiences audiences;           // for these, of those that were asked for
  std::string error;             // what is wrong with it; empty, and no user: it is of another kind

  static TokenVerdict bad(std::string why) { return {.user = {}, .audiences = {}, .error = std::move(why)}; }
};

// Those of `wanted` that are among `held`.
Audiences common_audiences(const Audiences& wanted, const Audiences& held);

// One way. It belongs to the server's executor, but for `judge_here`.
class TokenSource {
 public:
  virtual ~TokenSource() = default;
  // `audiences`: it has to be good for one of them; there is one at least. Both outlive the wait, which the source bounds.
  virtual Soon<TokenVerdict> judge(std::string_view token, const Audiences& audiences) = 0;
  // The same, or nothing when only the executor can tell. Threads: any.
  virtual std::optional<TokenVerdict> judge_here(std::string_view, const Audiences&) const { return std::nullopt; }
};

// Of a file; of service accounts, bound to objects. What they are given outlives them.
std::unique_ptr<TokenSource> static_token_source(const StaticTokens& tokens, Audiences api_audiences);
std::unique_ptr<TokenSource> service_account_source(const ServiceAccountTokens& tokens);

// All of them, in the order in which they are asked: the first that knows the token decides.
class TokenSources {
 public:
  explicit TokenSources(Audiences api_audiences) : api_audiences_(std::move(api_audiences)) {}
  void add(std::unique_ptr<TokenSource> source) { sources_.push_back(std::move(source)); }

  const Audiences& api_audiences() const { return api_audiences_; }
  // A user, or what is wrong. No audiences: the API's own. What is given outlives the wait.
  Soon<TokenVerdict> judge(std::string_view token, const Audiences& audiences);
  // The same for the API itself, or nothing when only the executor can tell. Threads: any.
  std::optional<TokenVerdict> judge_here(std::string_view token) const;

 private:
  Task<TokenVerdict> ask_from(std::size_t first, std::string_view token, const Audiences& audiences,
                              std::vector<std::string> errors);

  const Audiences api_audiences_;
  std::vector<std::unique_ptr<TokenSource>> sources_;
};

}  // namespace ph::apiserver
