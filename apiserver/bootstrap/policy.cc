#include "apiserver/bootstrap/policy.h"

#include <set>

#include "api/selector.h"
#include "base/assert.h"

namespace ph::apiserver {

using rbac::v1::ClusterRole;
using rbac::v1::PolicyRule;

namespace {

constexpr std::string_view kPolicyText =
#include "apiserver/bootstrap/policy.inc"
    ;

constexpr const char* kGroup = "rbac.authorization.k8s.io";

using Words = std::vector<std::string>;

std::vector<std::string_view> split(std::string_view text, std::string_view separator) {
  std::vector<std::string_view> out;
  for (;;) {
    const auto at = text.find(separator);
    out.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return out;
    text.remove_prefix(at + separator.size());
  }
}

Words words(std::string_view text) {
  Words out;
  for (const std::string_view word : split(text, " ")) {
    if (!word.empty()) out.emplace_back(word);
  }
  return out;
}

// "a/b" as two; the first empty when there is no slash.
std::pair<std::string, std::string> parted(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return {{}, std::string(text)};
  return {std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
}

void put_labels(const Words& list, std::size_t from, google::protobuf::Map<std::string, std::string>* to) {
  for (std::size_t i = from; i < list.size(); ++i) {
    const auto equals = list[i].find('=');
    PH_ASSERT(equals != std::string::npos);
    (*to)[list[i].substr(0, equals)] = list[i].substr(equals + 1);
  }
}

meta::v1::ObjectMeta metadata(std::string_view key) {
  meta::v1::ObjectMeta out;
  auto [space, name] = parted(key);
  out.set_namespace_(std::move(space));
  out.set_name(std::move(name));
  (*out.mutable_labels())["kubernetes.io/bootstrapping"] = "rbac-defaults";
  (*out.mutable_annotations())["rbac.authorization.kubernetes.io/autoupdate"] = "true";
  return out;
}

PolicyRule parse_rule(std::string_view line) {
  const std::vector<std::string_view> parts = split(line, " : ");
  PH_ASSERT(parts.size() >= 2 && parts.size() <= 4);
  PolicyRule rule;
  for (auto& verb : words(parts[0])) rule.add_verbs(std::move(verb));
  if (parts.size() == 2) {
    for (auto& path : words(parts[1])) rule.add_non_resource_urls(std::move(path));
    return rule;
  }
  for (auto& group : words(parts[1])) rule.add_api_groups(group == "core" ? "" : group);
  for (auto& resource : words(parts[2])) rule.add_resources(std::move(resource));
  if (parts.size() == 4) {
    for (auto& name : words(parts[3])) rule.add_resource_names(std::move(name));
  }
  return rule;
}

template <class Binding>
void parse_binding(std::string_view line, Binding* binding) {
  const std::vector<std::string_view> parts = split(line, " : ");
  PH_ASSERT(parts.size() == 3);
  *binding->mutable_metadata() = metadata(words(parts[0]).at(1));
  const auto [kind, role] = parted(parts[1]);
  binding->mutable_role_ref()->set_api_group(kGroup);
  binding->mutable_role_ref()->set_kind(kind);
  binding->mutable_role_ref()->set_name(role);
  for (const std::string& word : words(parts[2])) {
    const auto [subject_kind, name] = parted(word);
    auto* subject = binding->add_subjects();
    subject->set_kind(subject_kind);
    if (subject_kind == "ServiceAccount") {
      const auto [space, account] = parted(name);
      subject->set_namespace_(space);
      subject->set_name(account);
    } else {
      subject->set_api_group(kGroup);
      subject->set_name(name);
    }
  }
}

class Parser {
 public:
  Policy parse(std::string_view text) {
    for (std::string_view line : split(text, "\n")) {
      if (line.empty() || line.starts_with('#')) continue;
      if (line.starts_with(' ')) add_part(line.substr(line.find_first_not_of(' ')));
      else begin(line);
    }
    return std::move(policy_);
  }

 private:
  void begin(std::string_view line) {
    rules_ = nullptr;
    cluster_role_ = nullptr;
    const Words head = words(line);
    if (head[0] == "ClusterRole") {
      cluster_role_ = &policy_.cluster_roles.emplace_back();
      *cluster_role_->mutable_metadata() = metadata(head.at(1));
      put_labels(head, 2, cluster_role_->mutable_metadata()->mutable_labels());
      rules_ = cluster_role_->mutable_rules();
    } else if (head[0] == "Role") {
      auto& role = policy_.roles.emplace_back();
      *role.mutable_metadata() = metadata(head.at(1));
      rules_ = role.mutable_rules();
    } else if (head[0] == "ClusterRoleBinding") {
      parse_binding(line, &policy_.cluster_role_bindings.emplace_back());
    } else {
      PH_ASSERT(head[0] == "RoleBinding");
      parse_binding(line, &policy_.role_bindings.emplace_back());
    }
  }

  void add_part(std::string_view line) {
    PH_ASSERT(rules_ != nullptr);
    if (!line.starts_with("aggregates ")) {
      *rules_->Add() = parse_rule(line);
      return;
    }
    PH_ASSERT(cluster_role_ != nullptr);
    put_labels(words(line), 1, cluster_role_->mutable_aggregation_rule()->add_cluster_role_selectors()->mutable_match_labels());
  }

  Policy policy_;
  google::protobuf::RepeatedPtrField<PolicyRule>* rules_ = nullptr;
  ClusterRole* cluster_role_ = nullptr;
};

bool selected(const ClusterRole& aggregate, const ClusterRole& role) {
  return std::ranges::any_of(aggregate.aggregation_rule().cluster_role_selectors(), [&](const auto& selector) {
    return api::LabelSelector::from(selector).matches_map(role.metadata().labels());
  });
}

// Roles may aggregate roles that aggregate: those of fewer come first.
void aggregate(std::vector<ClusterRole>& roles) {
  for (const char* name : {"view", "edit", "admin"}) {
    const auto into = std::ranges::find(roles, name, [](const ClusterRole& r) { return std::string_view(r.metadata().name()); });
    if (into == roles.end()) continue;
    std::set<std::string> known;
    for (const ClusterRole& role : roles) {
      if (&role == &*into || !selected(*into, role)) continue;
      for (const PolicyRule& rule : role.rules()) {
        if (known.insert(rule.SerializeAsString()).second) *into->add_rules() = rule;
      }
    }
  }
}

}  // namespace

Policy parse_policy(std::string_view text) {
  Policy policy = Parser().parse(text);
  aggregate(policy.cluster_roles);
  return policy;
}

Policy bootstrap_policy() { return parse_policy(kPolicyText); }

}  // namespace ph::apiserver
