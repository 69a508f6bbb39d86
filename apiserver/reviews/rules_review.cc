// SelfSubjectRulesReview: what may I do here? Behind `kubectl auth can-i --list`.
#include "api/errors.h"
#include "apiserver/authz/rules.h"
#include "apiserver/reviews/reviews.h"

namespace ph::apiserver {

namespace {

class RulesReview final : public VirtualResource {
 public:
  explicit RulesReview(Authorizer& authorizer) : authorizer_(authorizer) {}

  Task<void> create(VirtualRequest request) override {
    auto& review = static_cast<authorization::v1::SelfSubjectRulesReview&>(*request.object);
    if (review.spec().namespace_().empty()) throw api::bad_request("no namespace on request");
    RulesOfUser found;
    authorizer_.add_rules(*request.user, review.spec().namespace_(), found);
    review.Clear();  // the question is not told again
    auto* status = review.mutable_status();
    for (const rbac::v1::PolicyRule& rule : found.rules) {
      if (!rule.resources().empty()) {
        auto* out = status->add_resource_rules();
        *out->mutable_verbs() = rule.verbs();
        *out->mutable_api_groups() = rule.api_groups();
        *out->mutable_resources() = rule.resources();
        *out->mutable_resource_names() = rule.resource_names();
      }
      if (!rule.non_resource_urls().empty()) {
        auto* out = status->add_non_resource_rules();
        *out->mutable_verbs() = rule.verbs();
        *out->mutable_non_resource_urls() = rule.non_resource_urls();
      }
    }
    status->set_incomplete(!found.errors.empty());
    status->set_evaluation_error(join_errors(found.errors));
    co_return;
  }

 private:
  Authorizer& authorizer_;
};

}  // namespace

std::unique_ptr<VirtualResource> self_subject_rules_review(Authorizer& authorizer) {
  return std::make_unique<RulesReview>(authorizer);
}

}  // namespace ph::apiserver
