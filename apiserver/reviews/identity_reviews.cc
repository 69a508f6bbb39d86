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
  explicit TokenReview(TokenSources& tokens) : tokens_(tokens) {}

  Task<void> create(VirtualRequest request) override {
    auto& review = static_cast<authentication::v1::TokenReview&>(*request.object);
    if (review.spec().token().empty()) throw api::bad_request("token is required for TokenReview in authentication");
    const Audiences audiences(review.spec().audiences().begin(), review.spec().audiences().end());
    TokenVerdict verdict = co_await tokens_.judge(review.spec().token(), audiences);
    auto* status = review.mutable_status();
    status->Clear();
    if (!verdict.user) {
      status->set_error(verdict.error);
      co_return;
    }
    status->set_authenticated(true);
    Identity& user = *verdict.user;
    if (std::ranges::find(user.groups, kAuthenticated) == user.groups.end()) user.groups.emplace_back(kAuthenticated);
    describe(user, status->mutable_user());
    for (std::string& audience : verdict.audiences) status->add_audiences(std::move(audience));
  }

 private:
  static constexpr std::string_view kAuthenticated = "system:authenticated";
  TokenSources& tokens_;
};

}  // namespace

std::unique_ptr<VirtualResource> self_subject_review(const Clock& clock) { return std::make_unique<SelfReview>(clock); }
std::unique_ptr<VirtualResource> token_review(TokenSources& tokens) { return std::make_unique<TokenReview>(tokens); }

}  // namespace ph::apiserver
