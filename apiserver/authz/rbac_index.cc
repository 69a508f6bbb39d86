#include "apiserver/authz/rbac_index.h"

#include <map>
#include <unordered_map>

#include <fmt/format.h>

#include "api/codec.h"
#include "apiserver/cache/entry_changes.h"

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
std::shared_ptr<const RbacIndex::Rules> decode_rules(const Entry& entry) {
  Kind message;
  api::decode_envelope(*entry.protobuf, message);
  return std::make_shared<RbacIndex::Rules>(message.rules().begin(), message.rules().end());
}

template <class Gone, class Changed>
void follow(RbacIndex::Entries& shown, const RbacIndex::Entries& now, Gone gone, Changed changed) {
  if (shown == now) return;
  static const EntryList kNone;
  EntryChanges::visit(shown ? *shown : kNone, now ? *now : kNone,
                      [&](const Entry* before, const Entry* after) { after ? changed(*after) : gone(*before); });
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

// -- What is in one place. Immutable once it is in a shard.

struct RbacIndex::Scope {
  struct Use {
    std::shared_ptr<const RbacBinding> binding;
    std::size_t subject = 0;
  };

  std::map<std::string, std::shared_ptr<const Rules>, std::less<>> roles;
  std::map<std::string, std::shared_ptr<const RbacBinding>, std::less<>> bindings;
  std::unordered_map<std::string, std::vector<Use>> by_subject;  // of the bindings

  bool empty() const { return roles.empty() && bindings.empty(); }

  void put(std::string_view name, std::shared_ptr<const RbacBinding> binding) {
    drop(name);
    for (std::size_t i = 0; i < binding->subjects.size(); ++i) {
      const std::string subject = subject_key(binding->subjects[i], binding->namespace_name);
      if (!subject.empty()) by_subject[subject].push_back({binding, i});
    }
    bindings.emplace(name, std::move(binding));
  }

  void drop(std::string_view name) {
    const auto found = bindings.find(name);
    if (found == bindings.end()) return;
    const std::shared_ptr<const RbacBinding> binding = found->second;
    bindings.erase(found);
    for (const Subject& subject : binding->subjects) {
      const auto uses = by_subject.find(subject_key(subject, binding->namespace_name));
      if (uses == by_subject.end()) continue;
      std::erase_if(uses->second, [&](const Use& use) { return use.binding == binding; });
      if (uses->second.empty()) by_subject.erase(uses);
    }
  }
};

struct RbacIndex::Shard {
  std::map<std::string, std::shared_ptr<const Scope>, std::less<>> scopes;
};

namespace {

std::size_t shard_of(std::string_view name, std::size_t shards) { return std::hash<std::string_view>()(name) % shards; }

}  // namespace

// The changes of one refresh: what they touch is copied once, whatever else has it.
class RbacIndex::Edit {
 public:
  explicit Edit(RbacIndex& index) : index_(index) {}

  Scope& scope(std::string_view name) {
    const auto [found, fresh] = scopes_.try_emplace(std::string(name));
    if (fresh) {
      const Scope* before = index_.scope(name);
      found->second = before ? std::make_shared<Scope>(*before) : std::make_shared<Scope>();
    }
    return *found->second;
  }

  void finish() {
    std::map<std::size_t, std::shared_ptr<Shard>> shards;
    for (auto& [name, scope] : scopes_) {
      const std::size_t number = shard_of(name, kShards);
      std::shared_ptr<Shard>& shard = shards[number];
      if (!shard) shard = index_.shards_[number] ? std::make_shared<Shard>(*index_.shards_[number]) : std::make_shared<Shard>();
      if (scope->empty()) {
        shard->scopes.erase(name);
      } else {
        shard->scopes.insert_or_assign(name, std::move(scope));
      }
    }
    for (auto& [number, shard] : shards) index_.shards_[number] = std::move(shard);
  }

 private:
  RbacIndex& index_;
  std::map<std::string, std::shared_ptr<Scope>, std::less<>> scopes_;
};

void RbacIndex::refresh(const State& state) {
  Edit edit(*this);
  const auto drop_role = [&](const Entry& e) {
    auto& roles = edit.scope(e.namespace_name()).roles;
    roles.erase(roles.find(e.name()));
  };
  const auto drop_binding = [&](const Entry& e) { edit.scope(e.namespace_name()).drop(e.name()); };
  const auto put_role = [&](const Entry& e, std::shared_ptr<const Rules> rules) {
    edit.scope(e.namespace_name()).roles.insert_or_assign(std::string(e.name()), std::move(rules));
  };
  const auto put_binding = [&](const Entry& e, std::shared_ptr<const RbacBinding> binding) {
    edit.scope(e.namespace_name()).put(e.name(), std::move(binding));
  };
  follow(state_.cluster_roles, state.cluster_roles, drop_role,
         [&](const Entry& e) { put_role(e, decode_rules<rbac::v1::ClusterRole>(e)); });
  follow(state_.roles, state.roles, drop_role, [&](const Entry& e) { put_role(e, decode_rules<rbac::v1::Role>(e)); });
  follow(state_.cluster_role_bindings, state.cluster_role_bindings, drop_binding,
         [&](const Entry& e) { put_binding(e, decode_binding<rbac::v1::ClusterRoleBinding>(e)); });
  follow(state_.role_bindings, state.role_bindings, drop_binding,
         [&](const Entry& e) { put_binding(e, decode_binding<rbac::v1::RoleBinding>(e)); });
  edit.finish();
}

// -- Reading

const RbacIndex::Scope* RbacIndex::scope(std::string_view name) const {
  const auto& shard = shards_[shard_of(name, kShards)];
  if (!shard) return nullptr;
  const auto found = shard->scopes.find(name);
  return found == shard->scopes.end() ? nullptr : found->second.get();
}

const std::shared_ptr<const RbacIndex::Rules>* RbacIndex::find_rules(const RoleRef& ref, std::string_view namespace_name) const {
  const Scope* in = scope(ref.kind() == "Role" ? namespace_name : std::string_view());
  if (!in) return nullptr;
  const auto found = in->roles.find(ref.name());
  return found == in->roles.end() ? nullptr : &found->second;
}

std::shared_ptr<const RbacIndex::Rules> RbacIndex::rules_of(const RoleRef& ref, std::string_view namespace_name) const {
  const auto* found = find_rules(ref, namespace_name);
  return found ? *found : nullptr;
}

bool RbacIndex::visit_scope(const Identity& user, std::string_view name, const std::function<bool(const Grant&)>& visit) const {
  const Scope* in = scope(name);
  if (!in) return true;
  std::vector<const Scope::Use*> uses;
  const auto collect = [&](const std::string& key) {
    const auto found = in->by_subject.find(key);
    if (found == in->by_subject.end()) return;
    for (const Scope::Use& use : found->second) uses.push_back(&use);
  };
  collect("u:" + user.name);
  for (const std::string& group : user.groups) collect("g:" + group);
  std::ranges::sort(
      uses, {}, [](const Scope::Use* use) { return std::pair<std::string_view, std::size_t>(use->binding->name, use->subject); });
  const RbacBinding* before = nullptr;
  for (const Scope::Use* use : uses) {
    if (use->binding.get() == before) continue;  // its first matching subject is enough
    before = use->binding.get();
    const auto* rules = find_rules(before->role, name);
    Grant grant{before, &before->subjects[use->subject], rules ? rules->get() : nullptr, {}};
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
