#include "controllers/runtime/selection.h"

#include <gmock/gmock.h>

namespace ph::controllers {
namespace {

void no_entry(LoopBuilder&) {}

constexpr LoopEntry kLoops[] = {
    {"bootstrap-signer-controller", "bootstrapsigner", no_entry, false, 1},
    {"deployment-controller", "deployment", no_entry, true, 5},
    {"taint-eviction-controller", "", no_entry, true, 1},
    {"ttl-controller", "ttl", no_entry, true, 1},
};

std::vector<std::string> chosen(const std::vector<std::string>& items) {
  const auto loops = select_loops(items, kLoops);
  if (!loops) return {"error: " + loops.error()};
  std::vector<std::string> out;
  for (const LoopEntry* loop : *loops) out.emplace_back(loop->name.substr(0, loop->name.find("-controller")));
  return out;
}

TEST(SelectionTest, ReadsTheFlag) {
  struct Case {
    const char* name;
    std::vector<std::string> items;
    std::vector<std::string> chosen;
  };
  const Case cases[] = {
      {"the default", {"*"}, {"deployment", "taint-eviction", "ttl"}},
      {"names alone", {"ttl-controller"}, {"ttl"}},
      {"old aliases", {"bootstrapsigner"}, {"bootstrap-signer"}},
      {"one more than the default", {"*", "bootstrapsigner"}, {"bootstrap-signer", "deployment", "taint-eviction", "ttl"}},
      {"one less, by alias", {"*", "-ttl"}, {"deployment", "taint-eviction"}},
      {"one less, by name", {"*", "-ttl-controller"}, {"deployment", "taint-eviction"}},
      {"the first word counts", {"ttl", "-ttl"}, {"ttl"}},
      {"minus before star", {"-ttl", "*"}, {"deployment", "taint-eviction"}},
      {"nothing", {}, {}},
      {"only minus", {"-ttl"}, {}},
      {"a loop of upstream's that is not here, left out",
       {"*", "-nodelifecycle", "-cronjob-controller"},
       {"deployment", "taint-eviction", "ttl"}},
      {"a loop of upstream's that is not here, asked for",
       {"*", "nodelifecycle"},
       {"error: \"nodelifecycle\" is a loop of Kubernetes that is not here yet"}},
      {"a loop of upstream's that has nothing to do", {"ttl", "svm"}, {"ttl"}},
      {"unknown",
       {"*", "-tll"},
       {"error: \"tll\" is not in the list of known controllers; known are: bootstrap-signer-controller, deployment-controller, "
        "taint-eviction-controller, ttl-controller"}},
      {"an empty name",
       {""},
       {"error: \"\" is not in the list of known controllers; known are: bootstrap-signer-controller, deployment-controller, "
        "taint-eviction-controller, ttl-controller"}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(chosen(c.items), c.chosen);
  }
}

TEST(SelectionTest, WhoHasNothingToDo) {
  const auto names = [](const std::vector<std::string>& items) {
    std::vector<std::string> out;
    for (const IdleLoop& loop : idle_loops(items)) {
      EXPECT_FALSE(loop.why.empty());
      EXPECT_EQ(find_loop(loop.name), nullptr) << loop.name << " is here";
      out.emplace_back(loop.name);
    }
    return out;
  };
  EXPECT_EQ(names({"*"}).size(), 6u);
  EXPECT_EQ(names({"*", "-svm"}).size(), 5u);
  EXPECT_EQ(names({"ttl", "storage-version-gc"}), std::vector<std::string>{"storageversion-garbage-collector-controller"});
  EXPECT_TRUE(names({"ttl"}).empty());
}

TEST(SelectionTest, TheRegistryIsFoundByBothNames) {
  ASSERT_NE(find_loop("deployment-controller"), nullptr);
  EXPECT_EQ(find_loop("deployment"), find_loop("deployment-controller"));
  EXPECT_EQ(find_loop(""), nullptr);
}

}  // namespace
}  // namespace ph::controllers
