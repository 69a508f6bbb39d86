// The webhooks of all configurations, made ready to be asked, in the order in which they are.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/kinds.h"
#include "api/selector.h"
#include "apiserver/access.h"
#include "apiserver/admission/webhook/conditions.h"
#include "apiserver/admission/webhook/match.h"
#include "base/time.h"

namespace ph::apiserver::webhook {

struct Selector {
  api::LabelSelector selector;
  std::string error;  // why it cannot be read; empty: it can
};

struct Hook {
  std::string name;
  std::string id;  // of one webhook among all: "configuration/name/0"
  Rules rules;
  bool equivalent = false;  // matchPolicy
  Selector namespaces, objects;
  std::vector<Condition> conditions;
  bool may_fail = false;     // failurePolicy: Ignore
  bool reinvokable = false;  // reinvocationPolicy: IfNeeded
  bool dry_run = false;      // it does nothing on a dry run that it should not
  Duration timeout{};
  std::string review_version;  // of AdmissionReview; empty: it knows none that we speak
  admissionregistration::v1::WebhookClientConfig client;
};
using Hooks = std::vector<Hook>;

Hook compiled(const std::string& configuration, const admissionregistration::v1::MutatingWebhook& webhook);
Hook compiled(const std::string& configuration, const admissionregistration::v1::ValidatingWebhook& webhook);

// The webhooks of one kind of configurations: by the configurations' names, then as they stand in them. Belongs to the server's
// executor.
template <class Configuration>
class HookSource {
 public:
  // The reader outlives it.
  explicit HookSource(ObjectReader& reader);
  // As they are now; null: there are none. That costs a look at a number as long as nothing changes.
  std::shared_ptr<const Hooks> present();

 private:
  WatchCache& cache_;
  std::optional<std::uint64_t> version_;
  std::shared_ptr<const Hooks> hooks_;
};

extern template class HookSource<admissionregistration::v1::MutatingWebhookConfiguration>;
extern template class HookSource<admissionregistration::v1::ValidatingWebhookConfiguration>;

}  // namespace ph::apiserver::webhook
