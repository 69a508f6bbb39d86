// Each loop acts as a service account of its own; the bootstrap policy must know it, or the loop may do nothing.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "apiserver/bootstrap/policy.h"
#include "controllers/registry.h"
#include "pilothouse/connector.h"

namespace ph::pilothouse {
namespace {

template <class Bindings>
void collect(const Bindings& bindings, std::set<std::string>& users) {
  for (const auto& binding : bindings) {
    if (!binding.role_ref().name().starts_with("system:controller:")) continue;
    for (const auto& subject : binding.subjects()) {
      if (subject.kind() == "ServiceAccount")
        users.insert("system:serviceaccount:" + subject.namespace_() + ":" + subject.name());
    }
  }
}

// Loops that stand in for programs of others get their roles as those do: from their manifests.
std::string manifests() {
  std::string out;
  for (const char* file : {"manifests/storage/hollow-csi.yaml", "manifests/storage/host-path.yaml"}) {
    std::ifstream in(file);
    EXPECT_TRUE(in) << file;
    out.append(std::istreambuf_iterator<char>(in), {});
  }
  return out;
}

TEST(LoopAccounts, EveryLoopHasARole) {
  const apiserver::Policy policy = apiserver::bootstrap_policy();
  std::set<std::string> users;
  collect(policy.cluster_role_bindings, users);
  collect(policy.role_bindings, users);
  const std::string others = manifests();
  for (const controllers::LoopEntry& loop : controllers::registry()) {
    if (others.find(fmt::format("kind: ServiceAccount, namespace: kube-system, name: {}}}", loop.name)) != others.npos) {
      EXPECT_EQ(loop_identity(loop.name).name, fmt::format("system:serviceaccount:kube-system:{}", loop.name));
      continue;
    }
    if (!has_account(loop.name)) {
      EXPECT_EQ(loop_identity(loop.name).name, controller_manager_identity().name) << loop.name;
      continue;
    }
    EXPECT_TRUE(users.contains(loop_identity(loop.name).name)) << loop.name << " acts as " << loop_identity(loop.name).name;
  }
}

}  // namespace
}  // namespace ph::pilothouse
