// admissionregistration.k8s.io/v1: webhook configurations, admission policies and their bindings.
#include "api/defaults/defaults.h"

namespace ph::api {

using namespace admissionregistration::v1;

namespace {

void default_rule(RuleWithOperations& rule) {
  if (!rule.rule().has_scope()) rule.mutable_rule()->set_scope("*");
}

template <class Webhook>
void default_webhook(Webhook& webhook) {
  if (!webhook.has_failure_policy()) webhook.set_failure_policy("Fail");
  if (!webhook.has_match_policy()) webhook.set_match_policy("Equivalent");
  webhook.mutable_namespace_selector();
  webhook.mutable_object_selector();
  if (!webhook.has_timeout_seconds()) webhook.set_timeout_seconds(10);
  for (RuleWithOperations& rule : *webhook.mutable_rules()) default_rule(rule);
  if (!webhook.client_config().has_service()) return;
  ServiceReference& service = *webhook.mutable_client_config()->mutable_service();
  if (!service.has_port()) service.set_port(443);
}

void default_match(MatchResources& match) {
  if (!match.has_match_policy()) match.set_match_policy("Equivalent");
  match.mutable_namespace_selector();
  match.mutable_object_selector();
  for (NamedRuleWithOperations& rule : *match.mutable_resource_rules()) default_rule(*rule.mutable_rule_with_operations());
  for (NamedRuleWithOperations& rule : *match.mutable_exclude_resource_rules())
    default_rule(*rule.mutable_rule_with_operations());
}

template <class Policy>
void default_policy(Policy& policy) {
  if (!policy.spec().has_failure_policy()) policy.mutable_spec()->set_failure_policy("Fail");
  if (policy.spec().has_match_constraints()) default_match(*policy.mutable_spec()->mutable_match_constraints());
}

template <class Binding>
void default_binding(Binding& binding) {
  if (binding.spec().has_match_resources()) default_match(*binding.mutable_spec()->mutable_match_resources());
}

}  // namespace

void set_defaults(ValidatingWebhookConfiguration& object) {
  for (ValidatingWebhook& webhook : *object.mutable_webhooks()) default_webhook(webhook);
}

void set_defaults(MutatingWebhookConfiguration& object) {
  for (MutatingWebhook& webhook : *object.mutable_webhooks()) {
    default_webhook(webhook);
    if (!webhook.has_reinvocation_policy()) webhook.set_reinvocation_policy("Never");
  }
}

void set_defaults(ValidatingAdmissionPolicy& object) { default_policy(object); }
void set_defaults(MutatingAdmissionPolicy& object) { default_policy(object); }
void set_defaults(ValidatingAdmissionPolicyBinding& object) { default_binding(object); }
void set_defaults(MutatingAdmissionPolicyBinding& object) { default_binding(object); }

}  // namespace ph::api
