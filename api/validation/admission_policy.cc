// admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy and MutatingAdmissionPolicy, and their bindings.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/validation/admission_parts.h"
#include "base/ascii.h"

namespace ph::api {

using namespace admissionregistration::v1;

namespace {

constexpr std::size_t kAuditAnnotationsMax = 20, kAnnotationExpressionMax = 5 * 1024;

void check_param_kind(const ParamKind& kind, const Path& path, Errors& errors) {
  const std::string& text = kind.api_version();
  const Path version = path.member("apiVersion");
  if (text.empty()) {
    errors.required(version);
  } else if (std::ranges::count(text, '/') > 1) {
    errors.invalid_text(version, text, fmt::format("unexpected GroupVersion string: {}", text));
  } else {
    const auto slash = text.find('/');
    const std::string_view whole = text;
    if (slash != whole.npos && slash > 0) check_subdomain(whole.substr(0, slash), version, errors);
    const std::string_view last = slash == whole.npos ? whole : whole.substr(slash + 1);
    errors.invalid_each(version, last, check_dns1035_label(last));
  }
  if (kind.kind().empty()) return errors.required(path.member("kind"));
  const auto complaints = check_dns1035_label(lower_ascii(kind.kind()));
  if (complaints.empty()) return;
  errors.invalid_text(path.member("kind"), kind.kind(),
                      fmt::format("may have mixed case, but should otherwise match: {}", fmt::join(complaints, ",")));
}

bool is_identifier(std::string_view name) {
  static const std::set<std::string_view> kReserved = {"as",       "break",   "const",  "continue", "else", "false", "for",
                                                       "function", "if",      "import", "in",       "let",  "loop",  "namespace",
                                                       "null",     "package", "return", "true",     "var",  "void",  "while"};
  return check_c_identifier(name).empty() && !kReserved.contains(name);
}

void check_variables(const google::protobuf::RepeatedPtrField<Variable>& variables, const Path& path, Errors& errors) {
  std::set<std::string_view> names;
  for (int i = 0; i < variables.size(); ++i) {
    const Variable& variable = variables[i];
    const Path here = path.index(static_cast<std::size_t>(i));
    if (variable.name().empty()) errors.required(here.member("name"), "name is not specified");
    else if (!is_identifier(variable.name()))
      errors.invalid_text(here.member("name"), variable.name(), "must be a valid CEL identifier");
    else if (!names.insert(variable.name()).second) errors.duplicate(here.member("name"), variable.name());
    if (is_blank(variable.expression())) errors.required(here.member("expression"), "expression is not specified");
  }
}

// What both kinds of policies begin with.
template <class Spec>
void check_policy(const Spec& spec, const Path& path, Errors& errors) {
  check_failure_policy(spec.failure_policy(), path.member("failurePolicy"), errors);
  if (spec.has_param_kind()) check_param_kind(spec.param_kind(), path.member("paramKind"), errors);
  const Path match = path.member("matchConstraints");
  if (!spec.has_match_constraints()) {
    errors.required(match);
  } else {
    check_match_resources(spec.match_constraints(), match, errors);
    // From them come the types that expressions are about.
    if (spec.match_constraints().resource_rules().empty()) errors.required(match.member("resourceRules"));
  }
  check_match_conditions(spec.match_conditions(), path.member("matchConditions"), errors);
  check_variables(spec.variables(), path.member("variables"), errors);
}

// -- Validating

void check_validation(const Validation& validation, const Path& path, Errors& errors) {
  if (is_blank(validation.expression())) errors.required(path.member("expression"), "expression is not specified");
  const std::string& message = validation.message();
  if (!message.empty() && is_blank(message)) {
    errors.invalid_text(path.member("message"), message, "message must be non-empty if specified");
  } else if (message.find_first_of("\n\r") != message.npos) {
    errors.invalid_text(path.member("message"), message, "must not contain line breaks");
  }
  if (validation.has_reason()) {
    check_one_of(validation.reason(), {"Forbidden", "Invalid", "RequestEntityTooLarge"}, path.member("reason"), errors);
  }
}

void check_audit_annotations(const ValidatingAdmissionPolicy& policy, const Path& path, Errors& errors) {
  const std::string& name = policy.metadata().name();
  std::set<std::string_view> keys;
  check_items(policy.spec().audit_annotations(), kAuditAnnotationsMax, path, errors,
              [&](const AuditAnnotation& annotation, const Path& here) {
                if (name.empty())
                  errors.invalid_text(here.member("key"), annotation.key(), "requires metadata.name be non-empty");
                else check_qualified(fmt::format("{}/{}", name, annotation.key()), here.member("key"), errors);
                const Path value = here.member("valueExpression");
                if (is_blank(annotation.value_expression())) errors.required(value, "valueExpression is not specified");
                else if (annotation.value_expression().size() > kAnnotationExpressionMax)
                  errors.too_long(value, kAnnotationExpressionMax);
                const bool is_new = keys.insert(annotation.key()).second;
                if (!is_new) errors.duplicate(here.member("key"), annotation.key());
              });
}

// -- Mutating

// The form of a mutation: the type that names it, and its member.
struct Form {
  std::string_view type, member;
  bool is_set;
  const std::string& expression;
};

void check_form(const Form& own, const Form& other, const Path& path, Errors& errors) {
  if (!own.is_set) {
    errors.required(path.member(own.member), fmt::format("must be specified when patchType is {}", own.type));
  } else if (is_blank(own.expression)) {
    errors.required(path.member(own.member).member("expression"));
  }
  if (!other.is_set) return;
  errors.invalid_text(path.member(other.member), fmt::format("{{{}}}", other.member),
                      fmt::format("must not be specified when patchType is {}", own.type));
}

void check_mutation(const Mutation& mutation, const Path& path, Errors& errors) {
  const Form apply{"ApplyConfiguration", "applyConfiguration", mutation.has_apply_configuration(),
                   mutation.apply_configuration().expression()};
  const Form patch{"JSONPatch", "jsonPatch", mutation.has_json_patch(), mutation.json_patch().expression()};
  const std::string& type = mutation.patch_type();
  if (type.empty()) return errors.required(path.member("patchType"));
  if (type == apply.type) return check_form(apply, patch, path, errors);
  if (type == patch.type) return check_form(patch, apply, path, errors);
  errors.not_supported(path.member("patchType"), type, {apply.type, patch.type});
}

// What is being deleted cannot be changed. Upstream does not say which rule it is.
void check_mutable_operations(const MatchResources& match, const Path& path, Errors& errors) {
  for (const NamedRuleWithOperations& rule : match.resource_rules()) {
    for (const std::string& operation : rule.rule_with_operations().operations()) {
      check_one_of(operation, {"*", "CONNECT", "CREATE", "UPDATE"}, path.member("resourceRules").member("operations"), errors);
    }
  }
}

// -- Bindings

void check_param_ref(const ParamRef& ref, const Path& path, Errors& errors) {
  if (!ref.name().empty()) {
    errors.invalid_each(path.member("name"), ref.name(), check_path_segment(ref.name()));
    if (ref.has_selector()) {
      errors.forbidden(path.member("name"), "name and selector are mutually exclusive");
      errors.forbidden(path.member("selector"), "name and selector are mutually exclusive");
    }
  }
  if (ref.has_selector()) check_label_selector(ref.selector(), path.member("selector"), errors);
  if (ref.name().empty() && !ref.has_selector()) errors.required(path, "one of name or selector must be specified");
  const Path action = path.member("parameterNotFoundAction");
  if (ref.parameter_not_found_action().empty()) errors.required(action);
  else check_one_of(ref.parameter_not_found_action(), {"Deny", "Allow"}, action, errors);
}

template <class Spec>
void check_binding(const Spec& spec, const Path& path, Errors& errors) {
  if (spec.policy_name().empty()) errors.required(path.member("policyName"));
  else check_subdomain(spec.policy_name(), path.member("policyName"), errors);
  if (spec.has_param_ref()) check_param_ref(spec.param_ref(), path.member("paramRef"), errors);
  if (spec.has_match_resources()) check_match_resources(spec.match_resources(), path.member("matchResources"), errors);
}

void check_actions(const google::protobuf::RepeatedPtrField<std::string>& actions, const Path& path, Errors& errors) {
  if (actions.empty()) errors.required(path, "at least one validation action is required");
  std::set<std::string_view> seen;
  for (int i = 0; i < actions.size(); ++i) {
    const Path here = path.index(static_cast<std::size_t>(i));
    check_one_of(actions[i], {"Audit", "Deny", "Warn"}, here, errors);
    const bool is_new = seen.insert(actions[i]).second;
    if (!is_new) errors.duplicate(here, actions[i]);
  }
  if (seen.contains("Deny") && seen.contains("Warn")) {
    errors.invalid(
        path, json_of(actions),
        "must not contain both Deny and Warn (repeating the same validation failure information in the API response and "
        "headers serves no purpose)");
  }
}

}  // namespace

void validate(const ValidatingAdmissionPolicy& policy, Errors& errors) {
  const ValidatingAdmissionPolicySpec& spec = policy.spec();
  const Path path("spec"), validations = path.member("validations"), annotations = path.member("auditAnnotations");
  check_policy(spec, path, errors);
  if (spec.validations().empty() && spec.audit_annotations().empty()) {
    errors.required(validations, "validations or auditAnnotations must contain at least one item");
    errors.required(annotations, "validations or auditAnnotations must contain at least one item");
  }
  for (int i = 0; i < spec.validations_size(); ++i)
    check_validation(spec.validations(i), validations.index(static_cast<std::size_t>(i)), errors);
  check_audit_annotations(policy, annotations, errors);
}

void validate_update(const ValidatingAdmissionPolicy& now, const ValidatingAdmissionPolicy&, Errors& errors) {
  validate(now, errors);
}

void validate_status(const ValidatingAdmissionPolicy& now, const ValidatingAdmissionPolicy&, Errors& errors) {
  const Path warnings = Path("status").member("typeChecking").member("expressionWarnings");
  const auto& list = now.status().type_checking().expression_warnings();
  for (int i = 0; i < list.size(); ++i) {
    const Path here = warnings.index(static_cast<std::size_t>(i));
    if (list[i].warning().empty()) errors.required(here.member("warning"));
    if (list[i].field_ref().empty()) errors.required(here.member("fieldRef"));
  }
}

void validate(const MutatingAdmissionPolicy& policy, Errors& errors) {
  const MutatingAdmissionPolicySpec& spec = policy.spec();
  const Path path("spec"), mutations = path.member("mutations");
  check_policy(spec, path, errors);
  check_mutable_operations(spec.match_constraints(), path.member("matchConstraints"), errors);
  if (spec.mutations().empty()) errors.required(mutations, "mutations must contain at least one item");
  for (int i = 0; i < spec.mutations_size(); ++i)
    check_mutation(spec.mutations(i), mutations.index(static_cast<std::size_t>(i)), errors);
  if (spec.reinvocation_policy().empty()) errors.required(path.member("reinvocationPolicy"));
  else check_reinvocation_policy(spec.reinvocation_policy(), path.member("reinvocationPolicy"), errors);
}

void validate_update(const MutatingAdmissionPolicy& now, const MutatingAdmissionPolicy&, Errors& errors) {
  validate(now, errors);
}

void validate(const ValidatingAdmissionPolicyBinding& binding, Errors& errors) {
  check_binding(binding.spec(), Path("spec"), errors);
  check_actions(binding.spec().validation_actions(), Path("spec").member("validationActions"), errors);
}

void validate_update(const ValidatingAdmissionPolicyBinding& now, const ValidatingAdmissionPolicyBinding&, Errors& errors) {
  validate(now, errors);
}

void validate(const MutatingAdmissionPolicyBinding& binding, Errors& errors) {
  check_binding(binding.spec(), Path("spec"), errors);
  check_mutable_operations(binding.spec().match_resources(), Path("spec").member("matchResources"), errors);
}

void validate_update(const MutatingAdmissionPolicyBinding& now, const MutatingAdmissionPolicyBinding&, Errors& errors) {
  validate(now, errors);
}

}  // namespace ph::api
