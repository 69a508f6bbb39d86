// SubjectAccessReview, SelfSubjectAccessReview and LocalSubjectAccessReview: may he?
#include "api/errors.h"
#include "api/sorted.h"
#include "apiserver/authz/access_spec.h"
#include "apiserver/reviews/access_rules.h"
#include "apiserver/reviews/reviews.h"

namespace ph::apiserver {

using authorization::v1::SubjectAccessReviewStatus;

namespace {

template <class Spec>
RequestInfo request_of(const Spec& spec) {
  RequestInfo info;
  if (spec.has_resource_attributes()) {
    read_attributes(spec.resource_attributes(), info);
  } else {
    info.verb = spec.non_resource_attributes().verb();
    info.path = spec.non_resource_attributes().path();
  }
  return info;
}

// What is wrong with a question says no kind, upstream.
template <class Review>
void check(const Review& review) {
  api::Errors errors;
  check_review(review, errors);
  if (!errors.empty()) throw api::invalid(".authorization.k8s.io", "", errors.list());
}

Identity subject_of(const authorization::v1::SubjectAccessReviewSpec& spec) {
  Identity user{spec.user(), spec.uid(), {spec.groups().begin(), spec.groups().end()}, {}};
  for (const auto* extra : sorted(spec.extra())) {
    user.extra.push_back({extra->first, {extra->second.items().begin(), extra->second.items().end()}});
  }
  return user;
}

Task<void> answer(Authorizer& authorizer, Identity user, RequestInfo info, SubjectAccessReviewStatus* status) {
  const Decision decision = co_await authorizer.authorize_soon({user, info});
  status->Clear();
  status->set_allowed(decision.kind == Decision::Kind::Allow);
  status->set_denied(decision.kind == Decision::Kind::Deny);
  status->set_reason(decision.reason);
  status->set_evaluation_error(decision.error);
}

class SubjectReview final : public VirtualResource {
 public:
  explicit SubjectReview(Authorizer& authorizer) : authorizer_(authorizer) {}
  Task<void> create(VirtualRequest request) override {
    auto& review = static_cast<authorization::v1::SubjectAccessReview&>(*request.object);
    check(review);
    co_await answer(authorizer_, subject_of(review.spec()), request_of(review.spec()), review.mutable_status());
  }

 private:
  Authorizer& authorizer_;
};

class SelfReview final : public VirtualResource {
 public:
  explicit SelfReview(Authorizer& authorizer) : authorizer_(authorizer) {}
  Task<void> create(VirtualRequest request) override {
    auto& review = static_cast<authorization::v1::SelfSubjectAccessReview&>(*request.object);
    check(review);
    co_await answer(authorizer_, *request.user, request_of(review.spec()), review.mutable_status());
  }

 private:
  Authorizer& authorizer_;
};

class LocalReview final : public VirtualResource {
 public:
  explicit LocalReview(Authorizer& authorizer) : authorizer_(authorizer) {}
  Task<void> create(VirtualRequest request) override {
    auto& review = static_cast<authorization::v1::LocalSubjectAccessReview&>(*request.object);
    check(review);
    co_await answer(authorizer_, subject_of(review.spec()), request_of(review.spec()), review.mutable_status());
  }

 private:
  Authorizer& authorizer_;
};

}  // namespace

std::unique_ptr<VirtualResource> subject_access_review(Authorizer& authorizer) {
  return std::make_unique<SubjectReview>(authorizer);
}
std::unique_ptr<VirtualResource> self_subject_access_review(Authorizer& authorizer) {
  return std::make_unique<SelfReview>(authorizer);
}
std::unique_ptr<VirtualResource> local_subject_access_review(Authorizer& authorizer) {
  return std::make_unique<LocalReview>(authorizer);
}

}  // namespace ph::apiserver
