// RBAC's index against an evaluator that knows nothing of it: random policies, and random requests of random people.
//
//   PH_RBAC_PAIRS=100000   how many pairs of a policy and a request; some thousands otherwise
#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include "api/codec.h"
#include "apiserver/authz/rbac.h"
#include "base/rng.h"

namespace ph::apiserver {
namespace {

// -- A policy as plain tables

struct Rule {
  std::vector<std::string> verbs, groups, resources, names, urls;
};
struct Role {
  std::string name, space;  // of the cluster: no space
  std::vector<Rule> rules;
};
struct Who {
  std::string kind, name, space;
};
struct Binding {
  std::string name, space;
  bool of_cluster_role = true;
  std::string role;
  std::vector<Who> subjects;
};
struct Policy {
  std::vector<Role> roles;
  std::vector<Binding> bindings;
};

using Words = std::vector<std::string>;
const Words kVerbs{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "escalate"};
const Words kGroups{"", "apps", "batch", "example.com"};
const Words kResources{"pods", "nodes", "secrets", "deployments", "widgets"};
const Words kParts{"", "", "", "status", "log", "scale"};
const Words kSpaces{"a", "b", "c"};
const Words kNames{"x", "y", "z"};
const Words kPaths{"/healthz", "/healthz/etcd", "/metrics", "/api", "/apis/apps", "/"};
const Words kPatterns{"/healthz", "/healthz*", "/healthz/*", "/api*", "/*", "*", "/metrics", "/**"};
const Words kUsers{"joe", "jane", "system:serviceaccount:a:bot", "system:serviceaccount:b:bot", "system:anonymous"};
const Words kMemberships{"dev", "ops", "system:authenticated", "system:serviceaccounts:a"};
const Words kRoles{"r0", "r1", "r2", "r3", "r4"};

class Maker {
 public:
  explicit Maker(std::uint64_t seed) : rng_(seed) {}

  bool one_in(std::uint64_t n) { return rng_.below(n) == 0; }
  const std::string& one(const Words& words) { return words[rng_.below(words.size())]; }
  Words some(const Words& words, std::uint64_t stars) {
    Words out;
    if (stars > 0 && one_in(stars)) out.emplace_back("*");
    while (out.empty() || one_in(2)) out.push_back(one(words));
    return out;
  }

  Policy policy() {
    Policy out;
    for (const std::string& name : kRoles) {
      if (!one_in(5)) out.roles.push_back({name, "", rules(true)});
      for (const std::string& space : kSpaces) {
        if (one_in(2)) out.roles.push_back({name, space, rules(false)});
      }
    }
    for (int i = 0; i < 15; ++i) {
      const bool everywhere = one_in(3);
      out.bindings.push_back(
          {"b" + std::to_string(i), everywhere ? "" : one(kSpaces), everywhere || one_in(2), one(kRoles), subjects()});
    }
    return out;
  }

  Identity identity() {
    Identity out{.name = one(kUsers)};
    while (one_in(2)) out.groups.push_back(one(kMemberships));
    return out;
  }

  RequestInfo request() {
    RequestInfo out;
    out.verb = one(kVerbs);
    out.is_resource = !one_in(5);
    if (!out.is_resource) {
      out.path = one(kPaths);
      return out;
    }
    out.group = one(kGroups), out.resource = one(kResources), out.subresource = one(kParts);
    if (!one_in(4)) out.namespace_name = one(kSpaces);
    if (one_in(2)) out.name = one(kNames);
    return out;
  }

 private:
  std::vector<Rule> rules(bool may_have_urls) {
    std::vector<Rule> out;
    while (out.empty() || one_in(2)) {
      Rule rule;
      rule.verbs = some(kVerbs, 3);
      if (may_have_urls && one_in(4)) {
        rule.urls = some(kPatterns, 0);
      } else {
        rule.groups = some(kGroups, 3);
        for (std::string resource : some(kResources, 5)) {
          if (const std::string& part = one(kParts); !part.empty()) resource = (one_in(3) ? "*" : resource) + "/" + part;
          rule.resources.push_back(std::move(resource));
        }
        if (one_in(3)) rule.names = some(kNames, 0);
      }
      out.push_back(std::move(rule));
    }
    return out;
  }

  std::vector<Who> subjects() {
    std::vector<Who> out;
    while (out.empty() || one_in(2)) {
      switch (rng_.below(3)) {
        case 0: out.push_back({"User", one(kUsers), ""}); break;
        case 1: out.push_back({"Group", one(kMemberships), ""}); break;
        default: out.push_back({"ServiceAccount", "bot", one_in(3) ? "" : one(kSpaces)}); break;
      }
    }
    return out;
  }

  SeededRng rng_;
};

// -- The evaluator: every binding, every rule, every word

bool any(const Words& words, const std::string& wanted) {
  for (const std::string& word : words) {
    if (word == wanted) return true;
  }
  return false;
}

bool url_covers(const std::string& pattern, const std::string& path) {
  if (pattern == path) return true;
  std::string stem = pattern;
  while (!stem.empty() && stem.back() == '*') stem.pop_back();
  return stem.size() < pattern.size() && path.compare(0, stem.size(), stem) == 0;
}

bool covers(const Rule& rule, const RequestInfo& request) {
  if (!any(rule.verbs, "*") && !any(rule.verbs, request.verb)) return false;
  if (!request.is_resource) {
    for (const std::string& url : rule.urls) {
      if (url_covers(url, request.path)) return true;
    }
    return false;
  }
  if (!any(rule.groups, "*") && !any(rule.groups, request.group)) return false;
  bool resource = any(rule.resources, "*");
  if (request.subresource.empty()) resource = resource || any(rule.resources, request.resource);
  else
    resource = resource || any(rule.resources, request.resource + "/" + request.subresource) ||
               any(rule.resources, "*/" + request.subresource);
  return resource && (rule.names.empty() || any(rule.names, request.name));
}

bool is_meant(const Who& who, const Binding& binding, const Identity& user) {
  if (who.kind == "User") return who.name == user.name;
  if (who.kind == "Group") return any(user.groups, who.name);
  const std::string space = who.space.empty() ? binding.space : who.space;
  return !space.empty() && user.name == "system:serviceaccount:" + space + ":" + who.name;
}

bool naive(const Policy& policy, const Identity& user, const RequestInfo& request) {
  for (const Binding& binding : policy.bindings) {
    if (!binding.space.empty() && binding.space != request.namespace_name) continue;
    bool meant = false;
    for (const Who& who : binding.subjects) meant = meant || is_meant(who, binding, user);
    if (!meant) continue;
    for (const Role& role : policy.roles) {
      if (role.name != binding.role || role.space != (binding.of_cluster_role ? "" : binding.space)) continue;
      for (const Rule& rule : role.rules) {
        if (covers(rule, request)) return true;
      }
    }
  }
  return false;
}

// -- The same policy as the index is given it

template <class T>
EntryRef entry(const T& message) {
  return std::make_shared<const Entry>(Entry{key_of(message).text(), Revision{1}, share(api::encode_envelope(message))});
}

template <class T>
T named(const std::string& name, const std::string& space) {
  T out;
  out.mutable_metadata()->set_name(name);
  if (!space.empty()) out.mutable_metadata()->set_namespace_(space);
  return out;
}

template <class T>
T role_object(const Role& role) {
  T out = named<T>(role.name, role.space);
  for (const Rule& rule : role.rules) {
    rbac::v1::PolicyRule& to = *out.add_rules();
    to.mutable_verbs()->Assign(rule.verbs.begin(), rule.verbs.end());
    to.mutable_api_groups()->Assign(rule.groups.begin(), rule.groups.end());
    to.mutable_resources()->Assign(rule.resources.begin(), rule.resources.end());
    to.mutable_resource_names()->Assign(rule.names.begin(), rule.names.end());
    to.mutable_non_resource_urls()->Assign(rule.urls.begin(), rule.urls.end());
  }
  return out;
}

template <class T>
T binding_object(const Binding& binding) {
  T out = named<T>(binding.name, binding.space);
  out.mutable_role_ref()->set_kind(binding.of_cluster_role ? "ClusterRole" : "Role");
  out.mutable_role_ref()->set_name(binding.role);
  for (const Who& who : binding.subjects) {
    auto* subject = out.add_subjects();
    subject->set_kind(who.kind);
    subject->set_name(who.name);
    subject->set_namespace_(who.space);
  }
  return out;
}

RbacIndex::State state_of(const Policy& policy) {
  EntryTree cluster_roles, roles, cluster_bindings, bindings;
  for (const Role& role : policy.roles) {
    if (role.space.empty()) cluster_roles.put(entry(role_object<rbac::v1::ClusterRole>(role)));
    else roles.put(entry(role_object<rbac::v1::Role>(role)));
  }
  for (const Binding& binding : policy.bindings) {
    if (binding.space.empty()) cluster_bindings.put(entry(binding_object<rbac::v1::ClusterRoleBinding>(binding)));
    else bindings.put(entry(binding_object<rbac::v1::RoleBinding>(binding)));
  }
  return {cluster_roles.list(), cluster_bindings.list(), roles.list(), bindings.list()};
}

std::string told(const Identity& user, const RequestInfo& r) {
  std::string out = user.name;
  for (const std::string& group : user.groups) out += " " + group;
  return out + ": " + r.verb + " " + r.group + "/" + r.resource + "/" + r.subresource + " " + r.namespace_name + "/" + r.name +
         r.path;
}

TEST(RbacRandom, AgreesWithAnEvaluatorThatLooksAtEverything) {
  const char* asked = std::getenv("PH_RBAC_PAIRS");
  const int pairs = asked ? std::atoi(asked) : 5000;
  constexpr int kRequestsOfAPolicy = 20;
  RbacIndex index;  // one, which follows from policy to policy as a server's does
  int allowed = 0, done = 0;
  for (std::uint64_t seed = 1; done < pairs; ++seed) {
    Maker maker(seed);
    const Policy policy = maker.policy();
    index.refresh(state_of(policy));
    for (int i = 0; i < kRequestsOfAPolicy && done < pairs; ++i, ++done) {
      const Identity user = maker.identity();
      const RequestInfo request = maker.request();
      const bool expected = naive(policy, user, request);
      allowed += expected ? 1 : 0;
      ASSERT_EQ(decide(index, {user, request}).kind == Decision::Kind::Allow, expected)
          << "seed " << seed << ", request " << i << ": " << told(user, request);
    }
  }
  EXPECT_EQ(done, pairs);
  // A test of nothing but refusals, or of nothing else, would say little.
  EXPECT_GT(allowed, pairs / 50);
  EXPECT_LT(allowed, pairs - pairs / 50);
  std::printf("%d pairs of a policy and a request, %d allowed\n", done, allowed);
}

}  // namespace
}  // namespace ph::apiserver
