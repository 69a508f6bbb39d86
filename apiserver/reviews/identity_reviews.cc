// SelfSubjectReview (`kubectl auth whoami`) and TokenReview: who is it?
#include "api/errors.h"
#include "api/kinds.h"
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
  Task<void> create(VirtualRequest request) override {
    auto& review = static_cast<authentication::v1::SelfSubjectReview&>(*request.object);
    review.clear_status();
    describe(*request.user, review.mutable_status()->mutable_user_info());
    co_return;
  }
};

class TokenReview final : public VirtualResource {
 public:
  explicit TokenReview(ServiceAccountTokens& tokens) : tokens_(tokens) {}

  Task<void> create(VirtualRequest request) override {
    auto& review = static_cast<authentication::v1::TokenReview&>(*request.object);
    if (review.spec().token().empty()) throw api::bad_request("token is required for TokenReview in authentication");
    std::vector<std::string> matched;
    const auto user =
        tokens_.check(review.spec().token(), {review.spec().audiences().begin(), review.spec().audiences().end()}, &matched);
    auto* status = review.mutable_status();
    status->Clear();
    if (!user) {
      status->set_error(user.error());
      co_return;
    }
    status->set_authenticated(true);
    describe(*user, status->mutable_user());
    for (std::string& audience : matched) status->add_audiences(std::move(audience));
  }

 private:
  ServiceAccountTokens& tokens_;
};

}  // namespace

std::unique_ptr<VirtualResource> self_subject_review() { return std::make_unique<SelfReview>(); }
std::unique_ptr<VirtualResource> token_review(ServiceAccountTokens& tokens) { return std::make_unique<TokenReview>(tokens); }

}  // namespace ph::apiserver
