// admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration and MutatingWebhookConfiguration.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/match_conditions.h"
#include "api/validation/admission_parts.h"
#include "api/validation/webhooks.h"

namespace ph::api {

using namespace admissionregistration::v1;

namespace {

constexpr std::int32_t kTimeoutSecondsMax = 30;

void check_webhook_name(const std::string& name, const Path& path, Errors& errors) {
  if (name.empty()) return errors.required(path);
  const auto complaints = check_dns1123_subdomain(name);
  if (!complaints.empty()) return errors.invalid_text(path, name, fmt::format("{}", fmt::join(complaints, ",")));
  if (std::ranges::count(name, '.') < 2) {
    errors.invalid_text(path, name, "should be a domain with at least three segments separated by dots");
  }
}

void check_client(const WebhookClientConfig& client, const Path& path, Errors& errors) {
  if (client.has_url() == client.has_service()) return errors.required(path, "exactly one of url or service is required");
  if (client.has_url()) return check_webhook_url(client.url(), path.member("url"), errors);
  const ServiceReference& service = client.service();
  const Path at = path.member("service");
  // Upstream names the other one of the two. Clients that look at the field know it so.
  if (service.name().empty()) errors.required(at.member("namespace"));
  if (service.namespace_().empty()) errors.required(at.member("name"));
  check_webhook_path(service.path(), at.member("path"), errors);
  check_webhook_port(service.port(), at.member("port"), errors);
}

// One that means nothing is refused, for it would never be asked about.
void check_expressions(const google::protobuf::RepeatedPtrField<MatchCondition>& conditions, const Path& path, Errors& errors) {
  for (int i = 0; i < conditions.size(); ++i) {
    const std::string& text = conditions[i].expression();
    if (is_blank(text)) continue;
    const std::string why = match_condition_error(text);
    if (!why.empty()) errors.invalid_text(path.index(static_cast<std::size_t>(i)).member("expression"), text, why);
  }
}

// What both kinds have; `versions` are told last.
template <class Webhook>
void check_webhook(const Webhook& webhook, const Path& path, Errors& errors) {
  check_webhook_name(webhook.name(), path.member("name"), errors);
  for (int i = 0; i < webhook.rules_size(); ++i) {
    check_admission_rule(webhook.rules(i), path.member("rules").index(static_cast<std::size_t>(i)), errors);
  }
  check_failure_policy(webhook.failure_policy(), path.member("failurePolicy"), errors);
  check_match_policy(webhook.match_policy(), path.member("matchPolicy"), errors);
  if (!webhook.has_side_effects()) errors.required(path.member("sideEffects"), "must specify one of None, NoneOnDryRun");
  else check_one_of(webhook.side_effects(), {"None", "NoneOnDryRun"}, path.member("sideEffects"), errors);
  if (webhook.timeout_seconds() < 1 || webhook.timeout_seconds() > kTimeoutSecondsMax) {
    errors.invalid(path.member("timeoutSeconds"), webhook.timeout_seconds(),
                   "the timeout value must be between 1 and 30 seconds");
  }
  check_label_selector(webhook.namespace_selector(), path.member("namespaceSelector"), errors);
  check_label_selector(webhook.object_selector(), path.member("objectSelector"), errors);
  check_client(webhook.client_config(), path.member("clientConfig"), errors);
  check_match_conditions(webhook.match_conditions(), path.member("matchConditions"), errors);
  check_expressions(webhook.match_conditions(), path.member("matchConditions"), errors);
}

template <class Configuration, class More>
void check_configuration(const Configuration& object, Errors& errors, More more) {
  std::set<std::string_view> names;
  for (int i = 0; i < object.webhooks_size(); ++i) {
    const auto& webhook = object.webhooks(i);
    const Path path = Path("webhooks").index(static_cast<std::size_t>(i));
    check_webhook(webhook, path, errors);
    more(webhook, path);
    const Path versions = path.member("admissionReviewVersions");
    if (webhook.admission_review_versions().empty()) errors.required(versions, "must specify one of v1, v1beta1");
    else check_review_versions(webhook.admission_review_versions(), versions, errors);
    const bool is_new = webhook.name().empty() || names.insert(webhook.name()).second;
    if (!is_new) errors.duplicate(path.member("name"), webhook.name());
  }
}

}  // namespace

void validate(const ValidatingWebhookConfiguration& object, Errors& errors) {
  check_configuration(object, errors, [](const ValidatingWebhook&, const Path&) {});
}

void validate_update(const ValidatingWebhookConfiguration& now, const ValidatingWebhookConfiguration&, Errors& errors) {
  validate(now, errors);
}

void validate(const MutatingWebhookConfiguration& object, Errors& errors) {
  check_configuration(object, errors, [&](const MutatingWebhook& webhook, const Path& path) {
    check_reinvocation_policy(webhook.reinvocation_policy(), path.member("reinvocationPolicy"), errors);
  });
}

void validate_update(const MutatingWebhookConfiguration& now, const MutatingWebhookConfiguration&, Errors& errors) {
  validate(now, errors);
}

}  // namespace ph::api
