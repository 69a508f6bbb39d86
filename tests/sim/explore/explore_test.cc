// A fixed run of each loop, once for each write that the loops make in it: the process that runs them ends before that write, or
// right after it, and another begins with what the server has. And once for each number of events that caches may be behind by.
// All of these come to the same end, and nothing is made twice.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cctype>

#include "controllers/registry.h"
#include "tests/sim/explore/picture.h"
#include "tests/sim/explore/stage.h"

namespace ph::sim::explore {
namespace {

constexpr std::size_t kLagMost = 20;
constexpr std::size_t kToldMost = 3;  // of the runs that differ

std::vector<Scenario> all_scenarios() {
  std::vector<Scenario> out;
  for (const auto some : {workload_scenarios(), service_scenarios(), cluster_scenarios(), storage_scenarios(), cloud_scenarios()})
    out.insert(out.end(), some.begin(), some.end());
  return out;
}

struct End {
  std::vector<std::string> lines;
  std::map<std::string, std::uint64_t> made;
  std::uint64_t writes = 0;
  Tally tally;
  bool rests = false;
};

End play(const Scenario& scenario, const Faults& faults) {
  Picture picture;
  Stage stage(scenario.setup().later().faults(faults));
  picture.follow(stage.cluster);
  stage.cluster.restart_loops();
  scenario.play(stage);
  stage.settle();
  return {.lines = picture.lines(),
          .made = picture.made(),
          .writes = stage.cluster.tally().writes,
          .tally = stage.cluster.tally(),
          .rests = stage.rests()};
}

Faults crash(std::uint64_t at, bool once_written) {
  Faults out;
  out.crash_at_write = at;
  out.crash_once_written = once_written;
  out.restart_most = 5s;
  return out;
}
// Nothing happens, and writes are counted.
Faults counted() { return crash(~std::uint64_t{0}, false); }

Faults behind(std::size_t events) {
  Faults out;
  out.watch_lag = events;
  return out;
}

// What is wrong with a run; empty: it is as good as the plain one. `remade`: a kind of which one more is none too many.
std::string judge(const End& plain, const End& end, std::string_view remade) {
  std::string out;
  if (!end.rests) out += "  writes go on and on\n";
  for (const std::string& line : differences(plain.lines, end.lines)) out += "  " + line + "\n";
  for (const auto& [kind, count] : end.made) {
    const auto usual = plain.made.find(kind);
    const std::uint64_t most = (usual == plain.made.end() ? 0 : usual->second) + (kind == remade);
    if (count > most) out += fmt::format("  {} times a {} was made, where {} were enough\n", count, kind, most);
  }
  return out;
}

class Exploration : public testing::TestWithParam<Scenario> {
 protected:
  void SetUp() override {
    plain_ = play(GetParam(), counted());
    ASSERT_TRUE(plain_.rests);
    ASSERT_GT(plain_.writes, 0u);
  }
  void compare(const Faults& faults, const std::string& what, const std::string& injected) {
    const End end = play(GetParam(), faults);
    if (!injected.empty()) {
      EXPECT_GT(end.tally.faults.contains(injected) ? end.tally.faults.at(injected) : 0, 0u) << what;
    }
    const std::string wrong = judge(plain_, end, injected.empty() ? std::string_view() : GetParam().remade);
    if (wrong.empty() || told_ >= kToldMost) return;
    ++told_;
    ADD_FAILURE() << what << ":\n" << wrong;
  }

  End plain_;
  std::size_t told_ = 0;
};

TEST_P(Exploration, ACrashAtAnyWriteChangesNothingInTheEnd) {
  for (std::uint64_t at = 1; at <= plain_.writes; ++at) {
    compare(crash(at, false), fmt::format("a crash before write {} of {}", at, plain_.writes), "crash before a write");
    compare(crash(at, true), fmt::format("a crash after write {} of {}", at, plain_.writes), "crash after a write");
  }
}

TEST_P(Exploration, CachesThatAreBehindChangeNothingInTheEnd) {
  for (std::size_t events = 1; events <= kLagMost; ++events) compare(behind(events), fmt::format("{} events behind", events), {});
}

INSTANTIATE_TEST_SUITE_P(Loops, Exploration, testing::ValuesIn(all_scenarios()), [](const auto& info) {
  std::string out = fmt::format("{}{}", info.param.loop, info.param.what);
  std::erase_if(out, [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); });
  return out;
});

TEST(Explorations, EachLoopHasItsRun) {
  const std::vector<Scenario> scenarios = all_scenarios();
  for (const controllers::LoopEntry& loop : controllers::registry()) {
    const std::string_view name = loop.alias.empty() ? loop.name : loop.alias;
    EXPECT_GT(std::ranges::count(scenarios, name, &Scenario::loop), 0) << name;
  }
}

}  // namespace
}  // namespace ph::sim::explore
