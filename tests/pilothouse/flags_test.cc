// Every flag of upstream's three programs: each is known here by its name, type and default, and works, is accepted without
// effect, or is refused unless it keeps its default. The facts come from PH_FACTS_DIR (default ../shared/api-facts).
#include <cstdlib>
#include <fstream>
#include <set>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "daemon/files.h"
#include "pilothouse/flags/apiserver.h"
#include "pilothouse/flags/controller_manager.h"
#include "pilothouse/flags/scheduler.h"

namespace ph::pilothouse {
namespace {

using daemon::FlagSet;
using daemon::Standing;
using nlohmann::json;

std::optional<json> facts(const char* file) {
  const char* folder = std::getenv("PH_FACTS_DIR");
  std::ifstream in(std::string(folder ? folder : "../shared/api-facts") + "/" + file);
  if (!in) return std::nullopt;
  return json::parse(in);
}

// name → its row in upstream's list. --help and --version are every program's own.
using Rows = std::map<std::string, json>;
void add(Rows& rows, const json& list) {
  for (const json& row : list) {
    const auto name = row.at("flag").get<std::string>();
    if (name != "help" && name != "version") rows.emplace(name, row);
  }
}
Rows rows_of(const json& groups) {
  Rows out;
  for (const auto& [group, list] : groups.items()) add(out, list);
  return out;
}

struct Count {
  int works = 0, no_effect = 0, refused = 0;
};

Count compare(const char* program, const FlagSet& flags, const Rows& rows, const std::set<std::string>& own) {
  Count count;
  std::set<std::string> known;
  for (const FlagSet::Flag* flag : flags.flags()) {
    known.insert(flag->name);
    const auto row = rows.find(flag->name);
    if (row == rows.end()) {
      EXPECT_TRUE(own.contains(flag->name)) << program << " --" << flag->name << " is not upstream's";
      continue;
    }
    EXPECT_EQ(flag->type, row->second.at("type").get<std::string>()) << program << " --" << flag->name;
    EXPECT_EQ(flag->default_value, row->second.at("default").get<std::string>()) << program << " --" << flag->name;
    if (flag->standing != Standing::Works) EXPECT_FALSE(flag->why.empty()) << flag->name;
    (flag->standing == Standing::Works ? count.works : flag->standing == Standing::NoEffect ? count.no_effect : count.refused)++;
  }
  for (const auto& [name, row] : rows) EXPECT_TRUE(known.contains(name)) << program << " does not know --" << name;
  std::printf("%s: %d flags of upstream's work, %d have no effect, %d may only keep their default\n", program, count.works,
              count.no_effect, count.refused);
  return count;
}

TEST(UpstreamFlags, ControllerManager) {
  const auto facts_file = facts("controllers.json");
  if (!facts_file) GTEST_SKIP() << "no api-facts: set PH_FACTS_DIR";
  Rows rows = rows_of(facts_file->at("commonFlags"));
  for (const json& loop : facts_file->at("controllers")) add(rows, loop.at("flags"));
  ControllerManagerOptions options;
  FlagSet flags("kube-controller-manager");
  add_flags(flags, options);
  EXPECT_GT(compare("kube-controller-manager", flags, rows, {}).works, 25);
}

TEST(UpstreamFlags, Scheduler) {
  const auto facts_file = facts("scheduler.json");
  if (!facts_file) GTEST_SKIP() << "no api-facts: set PH_FACTS_DIR";
  SchedulerOptions options;
  FlagSet flags("kube-scheduler");
  add_flags(flags, options);
  EXPECT_GT(compare("kube-scheduler", flags, rows_of(facts_file->at("flags")), {}).works, 25);
}

TEST(UpstreamFlags, ApiServer) {
  const auto facts_file = facts("apiserver.json");
  if (!facts_file) GTEST_SKIP() << "no api-facts: set PH_FACTS_DIR";
  ApiServerProgramOptions options;
  FlagSet flags("kube-apiserver");
  add_flags(flags, options);
  EXPECT_GT(compare("kube-apiserver", flags, rows_of(facts_file->at("flags")), {"data-dir", "store"}).works, 25);
}

TEST(FeatureGates, KnownOnesMayKeepTheirDefault) {
  struct Case {
    const char* name;
    std::map<std::string, std::string> gates;
    const char* problem;
  };
  const Case cases[] = {
      {"none", {}, ""},
      {"the default", {{"WatchList", "true"}, {"GangScheduling", "false"}}, ""},
      {"all at once, off", {{"AllAlpha", "false"}}, ""},
      {"another value", {{"GangScheduling", "true"}}, "cannot set feature gate GangScheduling to true: only its default, false, is supported here"},
      {"locked", {{"SidecarContainers", "false"}}, "cannot set feature gate SidecarContainers to false, feature is locked to true"},
      {"unknown", {{"Nonsense", "true"}}, "unrecognized feature gate: Nonsense"},
      {"no value", {{"WatchList", "yes"}}, "invalid value of WatchList=yes, err: neither true nor false"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    std::string problem;
    try {
      daemon::check_gates(c.gates);
    } catch (const daemon::FlagError& error) {
      problem = error.what();
    }
    EXPECT_EQ(problem, c.problem);
  }
}

}  // namespace
}  // namespace ph::pilothouse
