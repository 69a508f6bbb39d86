// Which requests the rules of a webhook are about. Pure functions.
#pragma once

#include <string_view>

#include "api/kinds.h"
#include "api/schema.h"

namespace ph::apiserver::webhook {

using Rules = google::protobuf::RepeatedPtrField<admissionregistration::v1::RuleWithOperations>;

// A request as rules see it. A namespace is in itself, and a cluster's object all the same.
struct Target {
  std::string_view group, version, resource, subresource, namespace_name, operation;
};

bool matches(const admissionregistration::v1::RuleWithOperations& rule, const Target& target);
bool any_matches(const Rules& rules, const Target& target);

// Of configurations and policies nobody is asked: one could never be removed that refuses its own removal.
bool is_exempt(const api::GroupVersionKind& kind);

}  // namespace ph::apiserver::webhook
