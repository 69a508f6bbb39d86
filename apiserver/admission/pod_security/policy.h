// The Pod Security Standards: what a namespace's labels demand of its pods, and what a pod breaks of it. Pure.
// Reference: "Pod Security Standards", "Pod Security Admission" in the Kubernetes documentation; KEP-2579.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/errors.h"
#include "core/v1.pb.h"

namespace ph::apiserver::pod_security {

enum class Level { Privileged, Baseline, Restricted };

// The state of the standards that counts: that of v1.`minor`, or of whatever is the latest.
struct Standard {
  Level level = Level::Privileged;
  std::optional<int> minor;
  bool operator==(const Standard&) const = default;
  std::string text() const;  // "restricted:latest", "baseline:v1.25"
};

struct Policy {
  Standard enforce, audit, warn;
};

// The words of labels and of configurations; outer nothing: it is none. A version without a number is the latest.
std::optional<Level> level_named(std::string_view text);
std::optional<std::optional<int>> version_named(std::string_view text);
// What they should have been.
std::string level_rule();
inline constexpr std::string_view kVersionRule = "must be \"latest\" or \"v1.x\"";

// What labels do not say is the default. Labels that cannot be read count as the strictest where pods are refused, as the least strict where they are only told of.
// `problems`: what is wrong with them.
Policy policy_of(const google::protobuf::Map<std::string, std::string>& labels, std::vector<api::FieldError>* problems = nullptr,
                 const Policy& defaults = {});

struct Violation {
  std::string reason;  // "privileged"
  std::string detail;  // who does what: `container "c" must not set securityContext.privileged=true`
};
using Violations = std::vector<Violation>;

// In the order in which upstream tells them: what all levels forbid first, by the names of the checks.
Violations violations(const Standard& standard, const meta::v1::ObjectMeta& metadata, const core::v1::PodSpec& spec);

// "reason (detail), reason (detail)"; "reason, reason".
std::string details_of(const Violations& violations);
std::string reasons_of(const Violations& violations);

}  // namespace ph::apiserver::pod_security
