// What webhook configurations and admission policies share: rules, conditions, expressions. Expressions are not compiled here: that
// they are there is all that is checked of them.
#pragma once

#include "api/validation/validation.h"

namespace ph::api {

inline constexpr std::size_t kMatchConditionsMax = 64;

// -- Rules (admission_rules.cc)
void check_admission_rule(const admissionregistration::v1::RuleWithOperations& rule, const Path& path, Errors& errors);
void check_match_resources(const admissionregistration::v1::MatchResources& match, const Path& path, Errors& errors);
void check_failure_policy(std::string_view policy, const Path& path, Errors& errors);
void check_match_policy(std::string_view policy, const Path& path, Errors& errors);
void check_reinvocation_policy(std::string_view policy, const Path& path, Errors& errors);

// -- Expressions (admission_rules.cc)
void check_match_conditions(const google::protobuf::RepeatedPtrField<admissionregistration::v1::MatchCondition>& conditions,
                            const Path& path, Errors& errors);
bool is_blank(std::string_view text);

}  // namespace ph::api
