// swarm LOOP [N] [--seed S] [--verbose]: runs N seeds (default 200) from S on (default 1), prints what was injected, which rare
// paths were reached and what failed; fails when anything did. Verbose: the whole history, with what was written.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <string>
#include <vector>

#include "tests/sim/digest.h"
#include "tests/sim/swarm/swarm.h"

namespace {

using namespace ph;
using sim::swarm::Entry;

constexpr std::size_t kHistoryLines = 40;
constexpr int kFailuresShown = 5;

struct Asked {
  const Entry* entry = nullptr;
  std::uint64_t count = 200, first = 1;
  bool verbose = false;
};

struct Sum {
  std::uint64_t seeds = 0, turns = 0, writes = 0, digest = sim::kDigestBegin;
  Duration simulated{};
  sim::Tally tally;
  std::vector<std::uint64_t> failed;
};

bool number(std::string_view text, std::uint64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

std::optional<Asked> parse(const std::vector<std::string_view>& words) {
  Asked out;
  if (words.empty()) return std::nullopt;
  out.entry = sim::swarm::find(words[0]);
  if (!out.entry) return std::nullopt;
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (words[i] == "--verbose") {
      out.verbose = true;
    } else if (words[i] == "--seed") {
      if (++i == words.size() || !number(words[i], out.first)) return std::nullopt;
    } else if (!number(words[i], out.count)) {
      return std::nullopt;
    }
  }
  return out;
}

void print_failure(const Entry& entry, const sim::swarm::Result& result) {
  fmt::print("\nFAILED  scripts/swarm {} 1 --seed {}\n", entry.name, result.seed);
  std::vector<std::string> lines = result.history;
  std::erase_if(lines, [](const std::string& line) { return line.find("/registry/leases/") != std::string::npos; });
  for (std::size_t i = lines.size() - std::min(lines.size(), kHistoryLines); i < lines.size(); ++i)
    fmt::print("  {}\n", lines[i]);
  for (const std::string& complaint : result.complaints) fmt::print("  ! {}\n", complaint);
}

void print_counts(const char* title, const std::map<std::string, std::uint64_t>& counts) {
  fmt::print("{}\n", title);
  for (const auto& [name, count] : counts) {
    if (count > 0) fmt::print("  {:<42}{:>10}\n", name, count);
  }
}

void print_table(const Entry& entry, const Sum& sum, double cpu_s) {
  fmt::print("\n{}: {} seeds, {} failed; {} s simulated, {} writes, {} turns, {:.1f} s of CPU\n", entry.name, sum.seeds,
             sum.failed.size(), sum.simulated / 1s, sum.writes, sum.turns, cpu_s);
  if (cpu_s > 0) {
    fmt::print("  {:.0f} simulated seconds and {:.0f} turns for one second of CPU\n",
               std::chrono::duration<double>(sum.simulated).count() / cpu_s, static_cast<double>(sum.turns) / cpu_s);
  }
  fmt::print("  histories {:016x}\n", sum.digest);
  print_counts("faults injected", sum.tally.faults);
  print_counts("rare paths reached", sum.tally.rare);
  if (!sum.failed.empty()) fmt::print("failed seeds: {}\n", fmt::join(sum.failed, " "));
}

}  // namespace

int main(int argc, char** argv) {
  const auto asked = parse(std::vector<std::string_view>(argv + 1, argv + argc));
  if (!asked) {
    fmt::print(stderr, "usage: swarm LOOP [N] [--seed S] [--verbose]\nloops:");
    for (const Entry& entry : sim::swarm::registry()) fmt::print(stderr, " {}", entry.name);
    fmt::print(stderr, "\n");
    return 2;
  }
  sim::swarm::Tell tell;
  if (asked->verbose) tell = [](const std::string& line) { fmt::print("{}\n", line); };
  Sum sum;
  const std::clock_t begun = std::clock();
  for (std::uint64_t i = 0; i < asked->count; ++i) {
    const auto result = sim::swarm::run(*asked->entry, asked->first + i, tell);
    ++sum.seeds;
    sum.turns += result.turns;
    sum.writes += result.writes;
    sum.digest = sim::digest(fmt::format("{:016x}", result.digest), sum.digest);
    sum.simulated += result.simulated;
    sum.tally.add(result.tally);
    if (result.complaints.empty()) continue;
    sum.failed.push_back(result.seed);
    if (sum.failed.size() <= kFailuresShown) print_failure(*asked->entry, result);
  }
  print_table(*asked->entry, sum, static_cast<double>(std::clock() - begun) / CLOCKS_PER_SEC);
  return sum.failed.empty() ? 0 : 1;
}
