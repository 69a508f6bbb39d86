// The table of what is stored and not acted on: README.md shows it, and it is neither too long nor too short. Who would act is
// compared with upstream's lists: every loop, admission plugin and scheduler plugin that is on by default there and not here stands
// in the table, or below with the reason why nothing is stored for it.
#include "pilothouse/limits.h"

#include <map>
#include <set>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "api/schema.h"
#include "apiserver/admission/admission.h"
#include "controllers/registry.h"
#include "daemon/files.h"
#include "scheduler/framework/registry.h"
#include "tests/vectors/reading.h"

namespace ph::pilothouse {
namespace {

using nlohmann::json;
using Names = std::set<std::string, std::less<>>;

Names split(std::string_view text) {
  Names out;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    out.emplace(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

Names listed(std::string_view Limit::* column) {
  Names out;
  for (const Limit& limit : limits()) {
    for (const std::string& name : split(limit.*column)) EXPECT_TRUE(out.insert(name).second) << name << " stands twice";
  }
  return out;
}

// Those that act on kinds which are not served: name → plural of the kind.
const std::map<std::string, std::string> kKindNotServed{
    {"ClusterTrustBundleAttest", "clustertrustbundles"},
    {"PodGroupProtection", "podgroups"},
    {"PodGroupWorkloadExists", "podgroups"},
};
// Others that leave nothing undone.
const Names kNothingUndone{
    "JobValidation",  // of jobs with gates that are off by default: GenericWorkload, WorkloadWithJob
};

void compare(const Names& wanted, const Names& listed) {
  Names missing, odd;
  std::ranges::set_difference(wanted, listed, std::inserter(missing, missing.end()));
  std::ranges::set_difference(listed, wanted, std::inserter(odd, odd.end()));
  EXPECT_THAT(missing, testing::IsEmpty()) << "not here, on by default in Kubernetes, and not in pilothouse/limits.def";
  EXPECT_THAT(odd, testing::IsEmpty()) << "in pilothouse/limits.def, though here or not upstream's";
}

bool leaves_something(const std::string& name) { return !kKindNotServed.contains(name) && !kNothingUndone.contains(name); }

TEST(Limits, ReadmeShowsTheTable) {
  const auto readme = daemon::read_file("README.md");
  ASSERT_TRUE(readme) << "run from the top of the tree";
  const auto begin = readme->find("\n## Limits\n");
  ASSERT_NE(begin, std::string::npos);
  EXPECT_NE(readme->find(limits_table(), begin), std::string::npos) << "README.md's Limits are to show:\n" << limits_table();
}

TEST(Limits, KindsThatAreNotServedAreNot) {
  for (const auto& [name, plural] : kKindNotServed) {
    for (const api::Resource& resource : api::Scheme::builtin().resources()) {
      EXPECT_NE(resource.plural, plural) << "is served now: " << name << " belongs into pilothouse/limits.def";
    }
  }
}

TEST(Limits, AdmissionPlugins) {
  Names wanted;
  for (const apiserver::UpstreamAdmission& plugin : apiserver::upstream_admission()) {
    const bool here = std::ranges::any_of(apiserver::admission_entries(),
                                          [&](const auto& entry) { return entry.name == plugin.name && entry.on_by_default; });
    if (plugin.on_by_default && !here && leaves_something(std::string(plugin.name))) wanted.emplace(plugin.name);
  }
  compare(wanted, listed(&Limit::admission));
}

TEST(Limits, Loops) {
  const json upstream = vectors::read_facts("controllers");
  Names wanted;
  for (const json& loop : upstream.at("controllers")) {
    const auto name = loop.at("name").get<std::string>();
    if (loop.at("onByDefault").get<bool>() && !controllers::find_loop(name) && leaves_something(name)) wanted.insert(name);
  }
  compare(wanted, listed(&Limit::loops));
}

TEST(Limits, SchedulerPlugins) {
  const json upstream = vectors::read_facts("scheduler");
  Names wanted;
  for (const json& plugin : upstream.at("defaultProfile").at("multiPoint")) {
    const auto name = plugin.at("name").get<std::string>();
    if (!scheduler::find_plugin(name) && leaves_something(name)) wanted.insert(name);
  }
  compare(wanted, listed(&Limit::plugins));
}

TEST(Limits, EachProgramSaysWhatItLeavesUndone) {
  using testing::Contains;
  const auto apiserver = undone_by({.apiserver = true}), loops = undone_by({.loops = true});
  // Admission and a loop would act on policies.
  const auto policies = "ValidatingAdmissionPolicy, MutatingAdmissionPolicy, their bindings";
  EXPECT_THAT(apiserver, Contains(policies));
  EXPECT_THAT(loops, Contains(policies));
  EXPECT_THAT(undone_by({.scheduler = true}), testing::IsEmpty());
  EXPECT_THAT(undone_by({}), testing::IsEmpty());
  EXPECT_EQ(undone_by({.apiserver = true, .loops = true, .scheduler = true}).size(), limits().size());

  std::vector<std::string> lines;
  const Log log([&lines](const LogLine& line) { lines.push_back(format_text(line)); }, LogLevel::Warning);
  warn_of_limits({.apiserver = true}, log);
  ASSERT_EQ(lines.size(), 1);
  EXPECT_THAT(lines[0], testing::HasSubstr(policies));
  warn_of_limits({.scheduler = true}, log);
  EXPECT_EQ(lines.size(), 1);
}

}  // namespace
}  // namespace ph::pilothouse
