#include "apiserver/authz/cover.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "base/rng.h"
#include "tests/apiserver/policy_rules.h"

namespace ph::apiserver {
namespace {

using rbac::v1::PolicyRule;
using Rules = std::vector<PolicyRule>;

// A rule on one line: "verbs groups resources names paths".
std::string line(const PolicyRule& rule) {
  return fmt::format("{} {} {} {} {}", fmt::join(rule.verbs(), ","), fmt::join(rule.api_groups(), ","),
                     fmt::join(rule.resources(), ","), fmt::join(rule.resource_names(), ","),
                     fmt::join(rule.non_resource_urls(), ","));
}
Texts lines(const Rules& rules) {
  Texts out;
  for (const PolicyRule& each : rules) out.push_back(line(each));
  return out;
}

struct Case {
  const char* name;
  Rules held;
  PolicyRule wanted;
  int missing;
};

const Case kCases[] = {
    {"the same", {rule({"get", "list"}, {""}, {"pods"})}, rule({"get"}, {""}, {"pods"}), 0},
    {"one verb too many", {rule({"get"}, {""}, {"pods"})}, rule({"get", "list"}, {""}, {"pods"}), 1},
    {"everything", {rule({"*"}, {"*"}, {"*"})}, rule({"get", "list"}, {"", "apps"}, {"pods", "pods/log"}), 0},
    {"names given for all names", {rule({"get"}, {""}, {"pods"}, {"a"})}, rule({"get"}, {""}, {"pods"}), 1},
    {"all names given for a name", {rule({"get"}, {""}, {"pods"})}, rule({"get"}, {""}, {"pods"}, {"a"}), 0},
    {"a prefix of paths", {paths({"get"}, {"/a/*"})}, paths({"get"}, {"/a/b", "/c"}), 1},
    {"stars at the end", {paths({"get"}, {"/a/**"})}, paths({"get"}, {"/a/b", "/a/*"}), 0},
    {"two rules together",
     {rule({"get"}, {""}, {"pods", "nodes"}), rule({"list"}, {""}, {"pods"}), rule({"list"}, {"*"}, {"nodes"})},
     rule({"get", "list"}, {""}, {"pods", "nodes"}),
     0},
    {"two rules with a hole",
     {rule({"get"}, {""}, {"pods", "nodes"}), rule({"list"}, {""}, {"pods"})},
     rule({"get", "list"}, {""}, {"pods", "nodes"}),
     1},
    {"a sub-resource of all", {rule({"get"}, {""}, {"*/status"})}, rule({"get"}, {""}, {"pods/status", "pods/log"}), 1},
    {"all of a group is not all", {rule({"get"}, {"", "apps"}, {"*"})}, rule({"get"}, {"*"}, {"pods"}), 1},
    {"nothing is held", {}, rule({"get"}, {""}, {"pods"}), 1},
    {"nothing is wanted", {}, rule({}, {""}, {"pods"}), 0},
    {"resources and paths", {rule({"*"}, {"*"}, {"*"})}, paths({"get"}, {"/"}), 1},
};

TEST(RulesCover, Table) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    const Coverage found = rules_cover(c.held, std::span(&c.wanted, 1));
    EXPECT_EQ(found.complete, c.missing == 0);
    EXPECT_EQ(found.missing.size(), static_cast<std::size_t>(c.missing));
    EXPECT_TRUE(found.all_told);
  }
}

// The same question by multiplying everything out, which is upstream's way and says which answers are right.
bool list_holds(const google::protobuf::RepeatedPtrField<std::string>& list, std::string_view value) {
  return std::ranges::any_of(list, [&](const std::string& each) { return each == value; });
}
bool atom_held(const PolicyRule& held, const PolicyRule& atom) {
  const auto has = [](const auto& list, std::string_view value) { return list_holds(list, "*") || list_holds(list, value); };
  if (!has(held.verbs(), atom.verbs(0))) return false;
  if (!held.resource_names().empty() &&
      (atom.resource_names().empty() || !list_holds(held.resource_names(), atom.resource_names(0))))
    return false;
  if (!atom.non_resource_urls().empty()) {
    return std::ranges::any_of(held.non_resource_urls(), [&](const std::string& url) {
      return url == atom.non_resource_urls(0) ||
             (url.ends_with('*') && atom.non_resource_urls(0).starts_with(url.substr(0, url.size() - 1)));
    });
  }
  if (!has(held.api_groups(), atom.api_groups(0))) return false;
  const std::string& resource = atom.resources(0);
  const auto slash = resource.find('/');
  return has(held.resources(), resource) ||
         (slash != std::string::npos && list_holds(held.resources(), "*" + resource.substr(slash)));
}
Texts missing_by_product(const Rules& held, const Rules& wanted) {
  Texts out;
  const auto judge = [&](const PolicyRule& atom) {
    if (std::ranges::none_of(held, [&](const PolicyRule& each) { return atom_held(each, atom); })) out.push_back(line(atom));
  };
  for (const PolicyRule& each : wanted) {
    for (const auto& group : each.api_groups()) {
      for (const auto& resource : each.resources()) {
        for (const auto& verb : each.verbs()) {
          if (each.resource_names().empty()) judge(rule({verb}, {group}, {resource}));
          for (const auto& name : each.resource_names()) judge(rule({verb}, {group}, {resource}, {name}));
        }
      }
    }
    for (const auto& url : each.non_resource_urls()) {
      for (const auto& verb : each.verbs()) judge(paths({verb}, {url}));
    }
  }
  return out;
}

TEST(RulesCover, SaysWhatTheProductSays) {
  int complete = 0, incomplete = 0;
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    SeededRng rng(seed);
    const auto some = [&](const Texts& all, std::size_t most) {
      Texts out;
      for (std::size_t n = 1 + rng.below(most); n > 0; --n) out.push_back(all[rng.below(all.size())]);
      return out;
    };
    const auto some_rules = [&](std::size_t most) {
      Rules out;
      for (std::size_t n = rng.below(most + 1); n > 0; --n) {
        const Texts verbs = some({"get", "list", "watch", "*"}, 4);
        if (rng.below(4) == 0) {
          out.push_back(paths(verbs, some({"/a", "/a/", "/a/b", "/a/*", "/ab", "*", "/a/b/*"}, 4)));
        } else {
          out.push_back(rule(verbs, some({"", "apps", "batch", "*"}, 4),
                             some({"pods", "nodes", "pods/log", "*/log", "nodes/log", "*"}, 4),
                             rng.below(2) == 0 ? Texts() : some({"a", "b", "*"}, 3)));
        }
      }
      return out;
    };
    const Rules held = some_rules(8), wanted = some_rules(3);
    const Coverage found = rules_cover(held, wanted, {.missing = 10'000});
    const Texts right = missing_by_product(held, wanted);
    ASSERT_EQ(lines(found.missing), right) << "seed " << seed
                                           << fmt::format("\nheld:\n{}\nwanted:\n{}", fmt::join(lines(held), "\n"),
                                                          fmt::join(lines(wanted), "\n"));
    ASSERT_EQ(found.complete, right.empty()) << "seed " << seed;
    ASSERT_TRUE(found.all_told);
    ++(right.empty() ? complete : incomplete);
  }
  EXPECT_GT(complete, 500);
  EXPECT_GT(incomplete, 500);
}

Texts numbered(const char* what, int count) {
  Texts out;
  for (int i = 0; i < count; ++i) out.push_back(fmt::format("{}{}", what, i));
  return out;
}
PolicyRule wide(int n) { return rule(numbered("v", n), numbered("g", n), numbered("r", n), numbered("n", n)); }

TEST(RulesCover, WorkGrowsWithTheRulesAndNotWithTheirProduct) {
  struct Wide {
    const char* name;
    Rules held;
    bool complete, all_told;
  };
  Rules by_verb;
  for (int i = 0; i < 200; ++i) by_verb.push_back(rule({fmt::format("v{}", i)}, {"*"}, {"*"}));
  Rules by_verb_but_one(by_verb.begin(), by_verb.end() - 1);
  const Wide kWides[] = {
      {"everything is held", {rule({"*"}, {"*"}, {"*"})}, true, true},
      {"nothing is held", {}, false, false},
      {"other things are held", {rule({"get"}, {""}, {"pods"})}, false, false},
      {"it is held itself", {wide(200)}, true, true},
      {"each verb by a rule of its own", by_verb, true, true},
      {"all but one of them", by_verb_but_one, false, false},
  };
  for (const Wide& c : kWides) {
    SCOPED_TRACE(c.name);
    const PolicyRule wanted = wide(200);  // 1.6 billion rights
    const Coverage found = rules_cover(c.held, std::span(&wanted, 1));
    EXPECT_EQ(found.complete, c.complete);
    EXPECT_EQ(found.all_told, c.all_told);
    EXPECT_LE(found.missing.size(), CoverLimits().missing);
    EXPECT_LE(found.work, 100u * 4 * 200) << "800 texts are wanted";
  }
}

TEST(RulesCover, TwiceTheRuleIsTwiceTheWork) {
  const Rules held{wide(10), rule({"*"}, {"*"}, {"*"})};
  const PolicyRule once = wide(500), twice = wide(1000);
  const std::size_t work = rules_cover(held, std::span(&once, 1)).work;
  EXPECT_LE(rules_cover(held, std::span(&twice, 1)).work, 3 * work);
}

// Rules that tell everything apart from everything: the answer is no, and it does not take longer than it may.
TEST(RulesCover, TheWorkEnds) {
  SeededRng rng(1);
  Rules held;
  for (int i = 0; i < 60; ++i) {
    const auto half = [&](const char* what) {
      Texts out;
      for (const std::string& each : numbered(what, 300)) {
        if (rng.below(4) != 0) out.push_back(each);
      }
      return out;
    };
    held.push_back(rule(half("v"), half("g"), half("r"), half("n")));
  }
  const PolicyRule wanted = wide(300);
  const CoverLimits limits{.missing = 10, .work = 1'000'000};
  const Coverage found = rules_cover(held, std::span(&wanted, 1), limits);
  EXPECT_FALSE(found.complete);
  EXPECT_FALSE(found.all_told);
  EXPECT_LE(found.work, limits.work + 1000);
}

TEST(RulesCover, WhatIsToldHasALimit) {
  const PolicyRule wanted = rule(numbered("v", 10), {""}, numbered("r", 10));
  EXPECT_TRUE(rules_cover({}, std::span(&wanted, 1), {.missing = 100}).all_told);
  const Coverage found = rules_cover({}, std::span(&wanted, 1), {.missing = 99});
  EXPECT_FALSE(found.all_told);
  EXPECT_EQ(found.missing.size(), 99u);
}

}  // namespace
}  // namespace ph::apiserver
