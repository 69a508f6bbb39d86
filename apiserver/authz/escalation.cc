#include "apiserver/authz/escalation.h"

#include <fmt/format.h>

#include <array>
#include <map>
#include <set>

#include "api/codec.h"
#include "api/errors.h"
#include "apiserver/authz/cover.h"

namespace ph::apiserver {

using rbac::v1::PolicyRule;
using rbac::v1::RoleRef;

namespace {

using Rules = std::vector<PolicyRule>;

template <class List>
void append_list(std::string& out, const char* name, const List& list) {
  if (list.empty()) return;
  if (out.size() > 1) out += ", ";
  out += fmt::format("{}:[\"{}\"]", name, fmt::join(list, "\" \""));
}

std::string describe(const PolicyRule& rule) {
  std::string out = "{";
  append_list(out, "APIGroups", rule.api_groups());
  append_list(out, "Resources", rule.resources());
  append_list(out, "ResourceNames", rule.resource_names());
  append_list(out, "NonResourceURLs", rule.non_resource_urls());
  append_list(out, "Verbs", rule.verbs());
  return out + "}";
}

// What differs by the verb alone, as one rule; the others as they are. Upstream does so before it tells them.
Rules compact(Rules rules) {
  Rules out;
  std::map<std::array<std::string, 3>, std::size_t> known;  // group, resource, name → where in `out`
  for (PolicyRule& rule : rules) {
    if (rule.resources().empty()) {
      out.push_back(std::move(rule));
      continue;
    }
    // No name, and one that is empty, are not the same.
    const std::string name = rule.resource_names().empty() ? std::string() : "/" + rule.resource_names(0);
    const auto [found, is_new] = known.emplace(std::array{rule.api_groups(0), rule.resources(0), name}, out.size());
    if (is_new) out.push_back(std::move(rule));
    else out[found->second].mutable_verbs()->MergeFrom(rule.verbs());
  }
  return out;
}

template <class Role>
Rules rules_in(const api::Object* object) {
  if (!object) return {};
  const auto& rules = object->as<Role>().rules();
  return {rules.begin(), rules.end()};
}

// Whether nothing changes but what the garbage collector needs on the way to taking the object away.
template <class T>
bool is_left_alone(const AdmissionRequest& request) {
  if (!request.old_object) return false;
  T now = request.object->as<T>(), before = request.old_object->as<T>();
  for (T* each : {&now, &before}) {
    auto& metadata = *each->mutable_metadata();
    metadata.clear_owner_references();
    metadata.clear_finalizers();
    metadata.clear_managed_fields();
    metadata.clear_resource_version();
  }
  return api::encode_envelope(now) == api::encode_envelope(before);
}

class EscalationCheck final : public AdmissionPlugin {
 public:
  EscalationCheck(RbacAuthorizer& rbac, Authorizer& authorizer) : rbac_(rbac), authorizer_(authorizer) {}
  std::string_view name() const override { return "RBACEscalation"; }

  Soon<> validate_soon(const AdmissionRequest& request) override {
    if (!request.object || !request.user || request.resource->kind.group != "rbac.authorization.k8s.io") return {};
    if (std::ranges::find(request.user->groups, "system:masters") != request.user->groups.end()) return {};
    const std::string& plural = request.resource->plural;
    if (plural == "roles") return check_role<rbac::v1::Role>(request);
    if (plural == "clusterroles") return check_role<rbac::v1::ClusterRole>(request);
    if (plural == "rolebindings") return check_binding<rbac::v1::RoleBinding>(request);
    if (plural == "clusterrolebindings") return check_binding<rbac::v1::ClusterRoleBinding>(request);
    return {};
  }

 private:
  template <class Role>
  Task<void> check_role(const AdmissionRequest& request) {
    // Rules that stay as they are are no reason to look away: labels may take them into another role.
    if (is_left_alone<Role>(request)) co_return;
    if (co_await may(request, "escalate", request.resource->plural, request.key.name)) co_return;
    check(request, rules_in<Role>(request.object));
    if constexpr (std::is_same_v<Role, rbac::v1::ClusterRole>) check_aggregation(request);
  }

  // What an aggregated role will hold nobody can say, so whoever makes or touches one must hold everything.
  void check_aggregation(const AdmissionRequest& request) {
    const auto selectors = [](const api::Object* object) {
      return object ? object->as<rbac::v1::ClusterRole>().aggregation_rule().cluster_role_selectors_size() : 0;
    };
    if (selectors(request.object) == 0 && selectors(request.old_object) == 0) return;
    PolicyRule everything, everywhere;
    everything.add_verbs("*"), everything.add_api_groups("*"), everything.add_resources("*");
    everywhere.add_verbs("*"), everywhere.add_non_resource_urls("*");
    if (rules_cover(rbac_.rules_for(*request.user, {}).rules, Rules{everything, everywhere}).complete) return;
    throw refuse(request, "must have cluster-admin privileges to use the aggregationRule");
  }

  template <class Binding>
  Task<void> check_binding(const AdmissionRequest& request) {
    if (is_left_alone<Binding>(request)) co_return;
    const RoleRef& role = request.object->as<Binding>().role_ref();
    if (co_await may(request, "bind", role.kind() == "Role" ? "roles" : "clusterroles", role.name())) co_return;
    const auto rules = rbac_.present()->rules_of(role, request.key.namespace_name);
    if (!rules) {
      throw api::not_found(role.kind() == "Role" ? "roles.rbac.authorization.k8s.io" : "clusterroles.rbac.authorization.k8s.io",
                           role.name());
    }
    check(request, *rules);
  }

  Task<bool> may(const AdmissionRequest& request, std::string verb, std::string resource, std::string name) {
    RequestInfo info;
    info.is_resource = true;
    info.verb = std::move(verb);
    info.group = request.resource->kind.group;
    info.version = request.resource->kind.version;
    info.resource = std::move(resource);
    info.namespace_name = request.key.namespace_name;
    info.name = std::move(name);
    const Decision decision = co_await authorizer_.authorize_soon({*request.user, info});
    co_return decision.kind == Decision::Kind::Allow;
  }

  void check(const AdmissionRequest& request, const Rules& wanted) {
    const RulesOfUser held = rbac_.rules_for(*request.user, request.key.namespace_name);
    Coverage coverage = rules_cover(held.rules, wanted);
    if (coverage.complete) return;
    std::set<std::string> texts;
    for (const PolicyRule& rule : compact(std::move(coverage.missing))) texts.insert(describe(rule));
    std::string why = fmt::format("user \"{}\" (groups=[\"{}\"]) is attempting to grant RBAC permissions not currently held:\n{}",
                                  request.user->name, fmt::join(request.user->groups, "\" \""), fmt::join(texts, "\n"));
    if (!coverage.all_told) why += texts.empty() ? "more than can be told" : "\nand more";
    if (!held.errors.empty()) why += "; resolution errors: [" + fmt::format("{}", fmt::join(held.errors, ", ")) + "]";
    throw refuse(request, why);
  }

  static api::ApiError refuse(const AdmissionRequest& request, const std::string& why) {
    return api::forbidden(request.resource->plural + "." + request.resource->kind.group, request.key.name, why);
  }

  RbacAuthorizer& rbac_;
  Authorizer& authorizer_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_escalation_check(RbacAuthorizer& rbac, Authorizer& authorizer) {
  return std::make_unique<EscalationCheck>(rbac, authorizer);
}

}  // namespace ph::apiserver
