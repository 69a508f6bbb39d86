#include "apiserver/authz/rbac_index.h"

#include <fmt/format.h>

#include "api/codec.h"

namespace ph::apiserver {

using rbac::v1::PolicyRule;
using rbac::v1::RoleRef;
using rbac::v1::Subject;

namespace {

// The key of a subject in BySubject; a service account is the user of its name.
std::string subject_key(const Subject& subject, std::string_view binding_namespace) {
  if (subject.kind() == "Group") return "g:" + subject.name();
  if (subject.kind() == "User") return "u:" + subject.name();
  if (subject.kind() != "ServiceAccount") return {};
  const std::string_view space = subject.namespace_().empty() ? binding_namespace : std::string_view(subject.namespace_());
  if (space.empty()) return {};
  return "u:system:serviceaccount:" + std::string(space) + ":" + subject.name();
}

template <class Kind>
std::shared_ptr<const RbacBinding> decode_binding(const Entry& entry) {
  Kind message;
  api::decode_envelope(*entry.protobuf, message);
  return std::make_shared<RbacBinding>(RbacBinding{message.metadata().name(),
                                                   message.metadata().namespace_(),
                                                   message.role_ref(),
                                                   {message.subjects().begin(), message.subjects().end()}});
}

template <class Kind>
std::vector<PolicyRule> decode_rules(const Entry& entry) {
  Kind message;
  api::decode_envelope(*entry.protobuf, message);
  return {message.rules().begin(), message.rules().end()};
}

// Walks two lists ordered by key side by side.
void differences(const EntryList& before, const EntryList& after, const std::function<void(const Entry&)>& gone,
                 const std::function<void(const Entry&)>& changed) {
  auto b = before.begin();
  auto a = after.begin();
  while (b != before.end() || a != after.end()) {
    if (a == after.end() || (b != before.end() && (*b)->key < (*a)->key)) {
      gone(**b++);
    } else if (b == before.end() || (*a)->key < (*b)->key) {
      changed(**a++);
    } else {
      if (*a != *b) changed(**a);
      ++a, ++b;
    }
  }
}

template <class Gone, class Changed>
void follow(RbacIndex::Entries& shown, const RbacIndex::Entries& now, Gone gone, Changed changed) {
  if (shown == now) return;
  static const EntryList kNone;
  differences(shown ? *shown : kNone, now ? *now : kNone, gone, changed);
  shown = now;
}

std::string not_found_text(const RoleRef& ref) {
  return fmt::format("{}.rbac.authorization.k8s.io \"{}\" not found", ref.kind() == "Role" ? "role" : "clusterrole", ref.name());
}

}  // namespace

std::string RbacBinding::describe(const Subject& subject) const {
  const std::string to = subject.kind() == "ServiceAccount"
                             ? fmt::format("{} \"{}/{}\"", subject.kind(), subject.name(),
                                           subject.namespace_().empty() ? namespace_name : subject.namespace_())
                             : fmt::format("{} \"{}\"", subject.kind(), subject.name());
  if (namespace_name.empty()) {
    return fmt::format("ClusterRoleBinding \"{}\" of {} \"{}\" to {}", name, role.kind(), role.name(), to);
  }
  return fmt::format("RoleBinding \"{}/{}\" of {} \"{}\" to {}", name, namespace_name, role.kind(), role.name(), to);
}

void RbacIndex::refresh(const State& state) {
  follow(
      state_.cluster_roles, state.cluster_roles, [&](const Entry& e) { cluster_roles_.erase(e.key); },
      [&](const Entry& e) { cluster_roles_[e.key] = decode_rules<rbac::v1::ClusterRole>(e); });
  follow(
      state_.roles, state.roles, [&](const Entry& e) { roles_.erase(e.key); },
      [&](const Entry& e) { roles_[e.key] = decode_rules<rbac::v1::Role>(e); });
  follow(
      state_.cluster_role_bindings, state.cluster_role_bindings, [&](const Entry& e) { drop_binding(e.key); },
      [&](const Entry& e) { put_binding(e.key, decode_binding<rbac::v1::ClusterRoleBinding>(e)); });
  follow(
      state_.role_bindings, state.role_bindings, [&](const Entry& e) { drop_binding(e.key); },
      [&](const Entry& e) { put_binding(e.key, decode_binding<rbac::v1::RoleBinding>(e)); });
}

void RbacIndex::put_binding(std::string_view key, std::shared_ptr<const RbacBinding> binding) {
  drop_binding(key);
  BySubject& by_subject = scopes_[binding->namespace_name];
  for (std::size_t i = 0; i < binding->subjects.size(); ++i) {
    const std::string subject = subject_key(binding->subjects[i], binding->namespace_name);
    if (!subject.empty()) by_subject[subject].push_back({binding, i});
  }
  bindings_.emplace(key, std::move(binding));
}

void RbacIndex::drop_binding(std::string_view key) {
  const auto found = bindings_.find(key);
  if (found == bindings_.end()) return;
  const std::shared_ptr<const RbacBinding> binding = found->second;
  bindings_.erase(found);
  const auto scope = scopes_.find(binding->namespace_name);
  for (const Subject& subject : binding->subjects) {
    const auto uses = scope->second.find(subject_key(subject, binding->namespace_name));
    if (uses == scope->second.end()) continue;
    std::erase_if(uses->second, [&](const Use& use) { return use.binding == binding; });
    if (uses->second.empty()) scope->second.erase(uses);
  }
  if (scope->second.empty()) scopes_.erase(scope);
}

const std::vector<PolicyRule>* RbacIndex::rules_of(const RoleRef& ref, std::string_view namespace_name) const {
  const bool local = ref.kind() == "Role";
  const auto& roles = local ? roles_ : cluster_roles_;
  const auto found = roles.find(local ? std::string(namespace_name) + "/" + ref.name() : ref.name());
  return found == roles.end() ? nullptr : &found->second;
}

bool RbacIndex::visit_scope(const Identity& user, std::string_view scope, const std::function<bool(const Grant&)>& visit) const {
  const auto by_subject = scopes_.find(std::string(scope));
  if (by_subject == scopes_.end()) return true;
  std::vector<Use> uses;
  const auto collect = [&](const std::string& key) {
    if (const auto found = by_subject->second.find(key); found != by_subject->second.end()) {
      uses.insert(uses.end(), found->second.begin(), found->second.end());
    }
  };
  collect("u:" + user.name);
  for (const std::string& group : user.groups) collect("g:" + group);
  std::ranges::sort(uses, {},
                    [](const Use& use) { return std::pair<std::string_view, std::size_t>(use.binding->name, use.subject); });
  const RbacBinding* before = nullptr;
  for (const Use& use : uses) {
    if (use.binding.get() == before) continue;  // its first matching subject is enough
    before = use.binding.get();
    Grant grant{before, &before->subjects[use.subject], rules_of(before->role, scope), {}};
    if (!grant.rules) grant.error = not_found_text(before->role);
    if (!visit(grant)) return false;
  }
  return true;
}

void RbacIndex::visit(const Identity& user, std::string_view namespace_name,
                      const std::function<bool(const Grant&)>& visit) const {
  if (!visit_scope(user, "", visit)) return;
  if (!namespace_name.empty()) visit_scope(user, namespace_name, visit);
}

}  // namespace ph::apiserver
