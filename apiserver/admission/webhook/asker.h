// Asker: whether a webhook is to be asked about a request, and what it says then. What both admission plugins share.
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>

#include "apiserver/admission/admission.h"
#include "apiserver/admission/decoded.h"
#include "apiserver/admission/webhook/caller.h"
#include "apiserver/admission/webhook/hooks.h"
#include "apiserver/admission/webhook/request_view.h"
#include "apiserver/admission/webhook/review.h"

namespace ph::apiserver::webhook {

// A webhook could not be asked, or has not answered what was asked. Whether that refuses the request is its failurePolicy's.
class NotAsked : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Belongs to the server's executor.
class Asker {
 public:
  explicit Asker(const AdmissionWorld& world);

  // The version of the resource by which the webhook's rules know the request; null: they do not.
  static const api::Resource* matched(const Hook& hook, RequestView& view);
  // Whether any does. Never where configurations themselves are concerned.
  static bool any_matched(const Hooks& hooks, RequestView& view);
  // The same where the selectors and conditions hold as well. Throws ApiError: it cannot be told whether they do.
  const api::Resource* concerned(const Hook& hook, RequestView& view);

  // Its word. Throws NotAsked; ApiError when the request is refused whatever the failurePolicy says. What it warns of is passed on. All
  // outlive the task.
  Task<Verdict> ask(const Hook& hook, const api::Resource& as, RequestView& view, bool mutating);

  // What a webhook's failure means for the request: throws ApiError, or lets it pass.
  static void judge(const Hook& hook, const NotAsked& error, const AdmissionRequest& request);

 private:
  bool in_namespaces(const Hook& hook, const RequestView& view);
  bool conditions_hold(const Hook& hook, const api::Resource& as, RequestView& view) const;

  Rng& rng_;
  admission::Decoded<core::v1::Namespace> namespaces_;
  const Addresses addresses_;
  Caller caller_;
};

}  // namespace ph::apiserver::webhook
