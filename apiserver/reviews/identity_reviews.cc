// SelfSubjectReview (`kubectl auth whoami`) and TokenReview: who is it?
#include <algorithm>

#include "api/errors.h"
#include "api/kinds.h"
#include "api/times.h"
#include "apiserver/reviews/reviews.h"

namespace ph::apiserver {

namespace {

void describe(const Identity& user, authentication::v1::UserInfo* info) {
  info->set_username(user.name);
  info->set_uid(user.uid);
  for (const std::string& group : user.groups) info->add_groups(group);
  for (const auto& [key, values] : user.extra) {
    auto& list = (*info->mutable_extra())[key];
    for (const std::string& value : values) list.add_items(value);
  }
}

class SelfReview final : public VirtualResource {
 public:
  explicit SelfReview(const Clock& clock) : clock_(clock) {}

  Task<void> create(VirtualRequest request) override {
    auto& review = static_cast<authentication::v1::SelfSubjectReview&>(*request.object);
    review.Clear();
    api::set_time(review.mutable_metadata()->mutable_creation_timestamp(), clock_.now());
    describe(*request.user, review.mutable_status()->mutable_user_info());
    co_return;
  }

 private:
  const Clock& clock_;
};

class TokenReview final : public VirtualResource {
 public:
  TokenReview(ServiceAccountTokens& tokens, const StaticTokens& static_tokens) : tokens_(tokens), static_tokens_(static_tokens) {}

  Task<void> create(VirtualRequest request) override {
    auto& review = static_cast<authentication::v1::TokenReview&>(*request.object);
    if (review.spec().token().empty()) throw api::bad_request("token is required for TokenReview in authentication");
    std::vector<std::string> matched;
    auto user = whose(review.spec().token(), {review.spec().audiences().begin(), review.spec().audiences().end()}, matched);
    auto* status = review.mutable_status();
    status->Clear();
    if (!user) {
      status->set_error(user.error());
      co_return;
    }
    status->set_authenticated(true);
    if (std::ranges::find(user->groups, kAuthenticated) == user->groups.end()) user->groups.emplace_back(kAuthenticated);
    describe(*user, status->mutable_user());
    for (std::string& audience : matched) status->add_audiences(std::move(audience));
  }

 private:
  using Audiences = std::vector<std::string>;

  // A token of the file is meant for the audiences of the API, whichever they are.
  std::expected<Identity, std::string> whose(std::string_view token, const Audiences& audiences, Audiences& matched) {
    const Identity* known = static_tokens_.find(token);
    if (!known) return tokens_.check(token, audiences, &matched);
    const Audiences& ours = tokens_.api_audiences();
    for (const std::string& wanted : audiences.empty() ? ours : audiences) {
      if (std::ranges::find(ours, wanted) != ours.end()) matched.push_back(wanted);
    }
    if (matched.empty()) return std::unexpected("invalid bearer token");
    return *known;
  }

  static constexpr std::string_view kAuthenticated = "system:authenticated";
  ServiceAccountTokens& tokens_;
  const StaticTokens& static_tokens_;
};

}  // namespace

std::unique_ptr<VirtualResource> self_subject_review(const Clock& clock) { return std::make_unique<SelfReview>(clock); }
std::unique_ptr<VirtualResource> token_review(ServiceAccountTokens& tokens, const StaticTokens& static_tokens) {
  return std::make_unique<TokenReview>(tokens, static_tokens);
}

}  // namespace ph::apiserver
