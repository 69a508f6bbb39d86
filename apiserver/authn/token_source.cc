#include "apiserver/authn/token_source.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ph::apiserver {
namespace {

constexpr const char* kInvalid = "invalid bearer token";

class OfFile final : public TokenSource {
 public:
  OfFile(const StaticTokens& tokens, Audiences api_audiences) : tokens_(tokens), api_audiences_(std::move(api_audiences)) {}

  Soon<TokenVerdict> judge(std::string_view token, const Audiences& audiences) override { return *judge_here(token, audiences); }
  // Such a token is meant for the audiences of the API, whichever they are.
  std::optional<TokenVerdict> judge_here(std::string_view token, const Audiences& audiences) const override {
    TokenVerdict verdict;
    verdict.audiences = common_audiences(audiences, api_audiences_);
    const Identity* known = tokens_.find(token);
    if (known && !verdict.audiences.empty()) verdict.user = *known;
    return verdict;
  }

 private:
  const StaticTokens& tokens_;
  const Audiences api_audiences_;
};

class OfServiceAccounts final : public TokenSource {
 public:
  explicit OfServiceAccounts(const ServiceAccountTokens& tokens) : tokens_(tokens) {}

  Soon<TokenVerdict> judge(std::string_view token, const Audiences& audiences) override {
    TokenVerdict verdict;
    auto user = tokens_.check(token, audiences, &verdict.audiences);
    if (!user) return TokenVerdict::bad(std::move(user.error()));
    verdict.user = std::move(*user);
    return verdict;
  }
  std::optional<TokenVerdict> judge_here(std::string_view token, const Audiences& audiences) const override {
    TokenVerdict verdict;
    auto user = tokens_.check_here(token, audiences, &verdict.audiences);
    if (!user) return std::nullopt;
    if (!*user) return TokenVerdict::bad(std::move(user->error()));
    verdict.user = std::move(**user);
    return verdict;
  }

 private:
  const ServiceAccountTokens& tokens_;
};

TokenVerdict refused(std::vector<std::string> errors) {
  std::erase(errors, kInvalid);
  if (errors.empty()) return TokenVerdict::bad(kInvalid);
  if (errors.size() == 1) return TokenVerdict::bad(std::move(errors.front()));
  return TokenVerdict::bad(fmt::format("[{}]", fmt::join(errors, ", ")));
}

void note(std::vector<std::string>& errors, TokenVerdict verdict) {
  if (!verdict.error.empty() && std::ranges::find(errors, verdict.error) == errors.end()) {
    errors.push_back(std::move(verdict.error));
  }
}

}  // namespace

Audiences common_audiences(const Audiences& wanted, const Audiences& held) {
  Audiences out;
  std::ranges::copy_if(wanted, std::back_inserter(out),
                       [&](const std::string& each) { return std::ranges::find(held, each) != held.end(); });
  return out;
}

std::unique_ptr<TokenSource> static_token_source(const StaticTokens& tokens, Audiences api_audiences) {
  return std::make_unique<OfFile>(tokens, std::move(api_audiences));
}
std::unique_ptr<TokenSource> service_account_source(const ServiceAccountTokens& tokens) {
  return std::make_unique<OfServiceAccounts>(tokens);
}

Task<TokenVerdict> TokenSources::ask_from(std::size_t first, std::string_view token, const Audiences& audiences,
                                          std::vector<std::string> errors) {
  for (std::size_t i = first; i < sources_.size(); ++i) {
    TokenVerdict verdict = co_await sources_[i]->judge(token, audiences);
    if (verdict.user) co_return verdict;
    note(errors, std::move(verdict));
  }
  co_return refused(std::move(errors));
}

Soon<TokenVerdict> TokenSources::judge(std::string_view token, const Audiences& audiences) {
  const Audiences& wanted = audiences.empty() ? api_audiences_ : audiences;
  std::vector<std::string> errors;
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    std::optional<TokenVerdict> verdict = sources_[i]->judge_here(token, wanted);
    if (!verdict) return ask_from(i, token, wanted, std::move(errors));
    if (verdict->user) return std::move(*verdict);
    note(errors, std::move(*verdict));
  }
  return refused(std::move(errors));
}

std::optional<TokenVerdict> TokenSources::judge_here(std::string_view token) const {
  std::vector<std::string> errors;
  for (const auto& source : sources_) {
    std::optional<TokenVerdict> verdict = source->judge_here(token, api_audiences_);
    if (!verdict || verdict->user) return verdict;
    note(errors, std::move(*verdict));
  }
  return refused(std::move(errors));
}

}  // namespace ph::apiserver
