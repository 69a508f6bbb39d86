// The rules of a role that is made of others. Pure.
#pragma once

#include <vector>

#include <google/protobuf/repeated_ptr_field.h>

#include "controllers/runtime/loop.h"
#include "rbac/v1.pb.h"

namespace ph::controllers::cluster_role_aggregation {

using rbac::v1::ClusterRole;
using rbac::v1::PolicyRule;
using Rules = google::protobuf::RepeatedPtrField<PolicyRule>;

// Those of the roles that the selectors of `of` find, each once: selector by selector, the roles of each in the order of their names.
// None of its own. Throws api::DecodeError for a selector that nobody can read.
Rules gathered(const ClusterRole& of, std::vector<Ref<ClusterRole>> all);

bool same_rules(const Rules& a, const Rules& b);

}  // namespace ph::controllers::cluster_role_aggregation
