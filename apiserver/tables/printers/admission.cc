// The rows of webhook configurations, admission policies, API services, flow schemas and priority levels.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/sorted.h"
#include "apiserver/tables/printers/cells.h"

namespace ph::apiserver {

using namespace admissionregistration::v1;
using apiregistration::v1::APIService;
using flowcontrol::v1::FlowSchema, flowcontrol::v1::PriorityLevelConfiguration;

namespace {

constexpr Column kWebhookColumns[] = {{"Name", "string", "name"}, {"Webhooks", "integer"}, {"Age", "string"}};

template <class Configuration>
void print_webhooks(const Configuration& object, Time now, Row& row) {
  row.cells = {object.metadata().name(), std::int64_t{object.webhooks_size()}, age(object.metadata().creation_timestamp(), now)};
}

template <class Policy>
std::string param_kind(const Policy& policy) {
  if (!policy.spec().has_param_kind()) return std::string(kUnset);
  return policy.spec().param_kind().api_version() + "/" + policy.spec().param_kind().kind();
}

constexpr Column kValidatingPolicyColumns[] = {
    {"Name", "string", "name"}, {"Validations", "integer"}, {"ParamKind", "string"}, {"Age", "string"}};

void print_validating_policy(const ValidatingAdmissionPolicy& policy, Time now, Row& row) {
  row.cells = {policy.metadata().name(), std::int64_t{policy.spec().validations_size()}, param_kind(policy),
               age(policy.metadata().creation_timestamp(), now)};
}

constexpr Column kMutatingPolicyColumns[] = {
    {"Name", "string", "name"}, {"Mutations", "integer"}, {"ParamKind", "string"}, {"Age", "string"}};

void print_mutating_policy(const MutatingAdmissionPolicy& policy, Time now, Row& row) {
  row.cells = {policy.metadata().name(), std::int64_t{policy.spec().mutations_size()}, param_kind(policy),
               age(policy.metadata().creation_timestamp(), now)};
}

constexpr Column kBindingColumns[] = {
    {"Name", "string", "name"}, {"PolicyName", "string"}, {"ParamRef", "string"}, {"Age", "string"}};

// As Go prints the struct: users of kubectl know it so.
std::string go_text(const meta::v1::LabelSelector& selector) {
  std::string labels, expressions;
  for (const auto* label : sorted(selector.match_labels())) labels += fmt::format("{}: {},", label->first, label->second);
  for (const auto& one : selector.match_expressions()) {
    expressions += fmt::format("LabelSelectorRequirement{{Key:{},Operator:{},Values:[{}],}},", one.key(), one.operator_(),
                               fmt::join(one.values(), " "));
  }
  return fmt::format("&LabelSelector{{MatchLabels:map[string]string{{{}}},MatchExpressions:[]LabelSelectorRequirement{{{}}},}}",
                     labels, expressions);
}

std::string param_ref(const ParamRef& ref) {
  if (!ref.name().empty()) return ref.namespace_().empty() ? ref.name() : ref.namespace_() + "/" + ref.name();
  return ref.has_selector() ? go_text(ref.selector()) : std::string(kUnset);
}

template <class Binding>
void print_binding(const Binding& binding, Time now, Row& row) {
  row.cells = {binding.metadata().name(), binding.spec().policy_name(), param_ref(binding.spec().param_ref()),
               age(binding.metadata().creation_timestamp(), now)};
}

constexpr Column kApiServiceColumns[] = {
    {"Name", "string", "name"}, {"Service", "string"}, {"Available", "string"}, {"Age", "string"}};

std::string availability(const APIService& service) {
  for (const auto& condition : service.status().conditions()) {
    if (condition.type() != "Available") continue;
    const bool plain = condition.status() == "True" || condition.reason().empty();
    return plain ? condition.status() : fmt::format("{} ({})", condition.status(), condition.reason());
  }
  return "Unknown";
}

void print_api_service(const APIService& service, Time now, Row& row) {
  const auto& target = service.spec().service();
  row.cells = {service.metadata().name(),
               service.spec().has_service() ? target.namespace_() + "/" + target.name() : std::string("Local"),
               availability(service), age(service.metadata().creation_timestamp(), now)};
}

constexpr Column kFlowSchemaColumns[] = {
    {"Name", "string", "name"},        {"PriorityLevel", "string"}, {"MatchingPrecedence", "string"},
    {"DistinguisherMethod", "string"}, {"Age", "string"},           {"MissingPL", "string"}};

void print_flow_schema(const FlowSchema& schema, Time now, Row& row) {
  std::string dangling = "?";
  for (const auto& condition : schema.status().conditions()) {
    if (condition.type() == "Dangling") dangling = condition.status();
  }
  const auto& spec = schema.spec();
  row.cells = {schema.metadata().name(),
               spec.priority_level_configuration().name(),
               std::int64_t{spec.matching_precedence()},
               spec.has_distinguisher_method() ? spec.distinguisher_method().type() : std::string(kNone),
               age(schema.metadata().creation_timestamp(), now),
               dangling};
}

constexpr Column kPriorityLevelColumns[] = {
    {"Name", "string", "name"}, {"Type", "string"},     {"NominalConcurrencyShares", "string"},
    {"Queues", "string"},       {"HandSize", "string"}, {"QueueLengthLimit", "string"},
    {"Age", "string"}};

void print_priority_level(const PriorityLevelConfiguration& level, Time now, Row& row) {
  const auto& limited = level.spec().limited();
  const auto& queuing = limited.limit_response().queuing();
  const auto number = [](bool is_set, std::int32_t value) {
    return is_set ? Cell(std::int64_t{value}) : Cell(std::string(kNone));
  };
  const bool queues = level.spec().has_limited() && limited.limit_response().has_queuing();
  row.cells = {level.metadata().name(),
               level.spec().type(),
               number(level.spec().has_limited(), limited.nominal_concurrency_shares()),
               number(queues, queuing.queues()),
               number(queues, queuing.hand_size()),
               number(queues, queuing.queue_length_limit()),
               age(level.metadata().creation_timestamp(), now)};
}

}  // namespace

extern const Printer kValidatingWebhookConfigurationPrinter =
    printer_of<ValidatingWebhookConfiguration, print_webhooks<ValidatingWebhookConfiguration>>(kWebhookColumns);
extern const Printer kMutatingWebhookConfigurationPrinter =
    printer_of<MutatingWebhookConfiguration, print_webhooks<MutatingWebhookConfiguration>>(kWebhookColumns);
extern const Printer kValidatingAdmissionPolicyPrinter =
    printer_of<ValidatingAdmissionPolicy, print_validating_policy>(kValidatingPolicyColumns);
extern const Printer kMutatingAdmissionPolicyPrinter =
    printer_of<MutatingAdmissionPolicy, print_mutating_policy>(kMutatingPolicyColumns);
extern const Printer kValidatingAdmissionPolicyBindingPrinter =
    printer_of<ValidatingAdmissionPolicyBinding, print_binding<ValidatingAdmissionPolicyBinding>>(kBindingColumns);
extern const Printer kMutatingAdmissionPolicyBindingPrinter =
    printer_of<MutatingAdmissionPolicyBinding, print_binding<MutatingAdmissionPolicyBinding>>(kBindingColumns);
extern const Printer kAPIServicePrinter = printer_of<APIService, print_api_service>(kApiServiceColumns);
extern const Printer kFlowSchemaPrinter = printer_of<FlowSchema, print_flow_schema>(kFlowSchemaColumns);
extern const Printer kPriorityLevelConfigurationPrinter =
    printer_of<PriorityLevelConfiguration, print_priority_level>(kPriorityLevelColumns);

}  // namespace ph::apiserver
