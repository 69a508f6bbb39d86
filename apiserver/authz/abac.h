// ABAC: policies of a file, a line each. Reference: "Using ABAC Authorization".
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/access.h"

namespace ph::apiserver {

// One line, as abac.authorization.kubernetes.io/v1beta1 has it; empty members match nothing, "*" everything.
struct AbacPolicy {
  std::string user, group;  // where both are said, both must hold
  bool readonly = false;
  std::string api_group, resource, namespace_name;
  std::string non_resource_path;  // a path, "*", or a beginning and "*"
};

struct AbacPolicies {
  std::vector<AbacPolicy> policies;
  std::size_t unversioned_lines = 0;  // that are written as before there were versions

  // Reads a file's text: a JSON object a line; blank lines and those that begin with # say nothing. Or what is wrong with it, as upstream
  // says it; `file` is what it is called there.
  static std::expected<AbacPolicies, std::string> parse(std::string_view text, std::string_view file);
};

// Allows what a line grants and has no opinion of anything else. Threads: any.
class AbacAuthorizer final : public Authorizer {
 public:
  explicit AbacAuthorizer(AbacPolicies policies) : policies_(std::move(policies.policies)) {}
  std::optional<Decision> authorize_here(const Attributes& attributes) const override;
  void add_rules(const Identity& user, std::string_view namespace_name, RulesOfUser& out) override;

 protected:
  Decision authorize(const Attributes& attributes) override { return *authorize_here(attributes); }

 private:
  const std::vector<AbacPolicy> policies_;
};

}  // namespace ph::apiserver
