#include "tests/vectors/scoring.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <regex>
#include <stdexcept>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include "tests/sim/digest.h"
#include "tests/vectors/reading.h"

namespace ph::vectors {
namespace {

// Groups are written a line each, so that a change of one is a line's.
using Floors = nlohmann::json;  // set → {levels, rows (their digest), groups: name → [rows, one count a level]}
constexpr const char* kFloors = "tests/data/agreement.json";

// Programs that raise floors at the same time do it in turn.
class Turn {
 public:
  Turn() : file_(open(kFloors, O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
    if (file_ < 0 || flock(file_, LOCK_EX) != 0) throw std::runtime_error(std::string("cannot write ") + kFloors);
  }
  ~Turn() { close(file_); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  const int file_;
};

Floors read_floors() {
  const std::string text = std::filesystem::exists(kFloors) ? read_file(kFloors) : std::string();
  return text.empty() ? Floors::object() : Floors::parse(text);
}

void write_floors(const Floors& floors) {
  std::ofstream out(kFloors, std::ios::trunc);
  out << "{";
  const char* between_sets = "\n";
  for (const auto& [set, floor] : floors.items()) {
    out << between_sets << Floors(set) << ": {\"levels\": " << floor["levels"] << ", \"rows\": " << floor["rows"]
        << ", \"groups\": {";
    const char* between = "\n";
    for (const auto& [group, counts] : floor["groups"].items()) {
      out << between << "  " << Floors(group) << ": " << counts;
      between = ",\n";
    }
    out << "}}";
    between_sets = ",\n";
  }
  out << "\n}\n";
}

nlohmann::json counts_of(const Tally& tally) {
  nlohmann::json out = {tally.rows};
  for (const std::uint64_t reached : tally.reached) out.push_back(reached);
  return out;
}

std::string percent(std::uint64_t part, std::uint64_t whole) {
  return fmt::format("{:.1f} %", whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string numbers(const Tally& tally, const std::vector<std::string>& levels) {
  std::string out = fmt::format("{} rows", tally.rows);
  for (std::size_t i = 0; i < levels.size(); ++i) {
    out += fmt::format(", {} {} ({})", levels[i], tally.reached[i], percent(tally.reached[i], tally.rows));
  }
  if (tally.not_served > 0) out += fmt::format(", not served {}", tally.not_served);
  return out;
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// The higher of each count.
nlohmann::json raised(const nlohmann::json& floor, nlohmann::json counts) {
  for (std::size_t i = 1; i < counts.size() && i < floor.size(); ++i) counts[i] = std::max(counts[i], floor[i]);
  return counts;
}

}  // namespace

void Tally::add(const Outcome& outcome) {
  ++rows;
  if (!outcome.served) ++not_served;
  for (std::size_t i = 0; i < reached.size(); ++i) reached[i] += outcome.level > static_cast<int>(i);
}

void Agreement::add(const std::string& row, const std::string& group, const Outcome& outcome) {
  Tally& tally = groups_[group];
  tally.reached.resize(levels_.size());
  tally.add(outcome);
  rows_digest_ += sim::digest(row);
  if (!is_shown(set_, row) && !variable("PH_VECTORS_SHOW").empty()) return;
  for (const std::string& kind : outcome.kinds) ++kinds_[kind];
}

std::string Agreement::report() const {
  Tally all;
  all.reached.resize(levels_.size());
  for (const auto& [group, tally] : groups_) {
    all.rows += tally.rows;
    all.not_served += tally.not_served;
    for (std::size_t i = 0; i < levels_.size(); ++i) all.reached[i] += tally.reached[i];
  }
  return fmt::format("agreement {}: {}\n", set_, numbers(all, levels_));
}

std::string Agreement::judge(bool rows_are_ours) const {
  const std::string report = this->report();
  if (groups_.size() > 1) {
    for (const auto& [group, tally] : groups_) fmt::print("  {}: {}\n", group, numbers(tally, levels_));
  }
  std::vector<std::pair<std::uint64_t, std::string>> frequent;
  for (const auto& [kind, count] : kinds_) frequent.emplace_back(count, kind);
  std::ranges::sort(frequent, std::greater<>());
  if (frequent.size() > 25) frequent.resize(25);
  if (!frequent.empty()) fmt::print("  the most frequent differences:\n");
  for (const auto& [count, kind] : frequent) fmt::print("  {:6} {}\n", count, kind);
  fmt::print("{}", report);
  std::fflush(stdout);
  if (const std::string folder = variable("PH_AGREEMENT_DIR"); !folder.empty() && rows_are_ours) {
    std::filesystem::create_directories(folder);
    std::string name = set_;
    std::ranges::replace(name, '/', '.');
    std::ofstream(std::filesystem::path(folder) / (name + ".txt")) << report;
  }

  const std::string digest = fmt::format("{:016x}", rows_digest_);
  const bool raise = variable("PH_VECTORS_RAISE") == "1" && rows_are_ours;
  std::optional<Turn> turn;
  if (raise) turn.emplace();
  Floors all = read_floors();
  Floors& floor = all[set_];
  const bool same_rows = floor.is_object() && floor["rows"] == digest && floor["levels"] == Floors(levels_);
  if (raise) {
    Floors groups = Floors::object();
    for (const auto& [group, tally] : groups_) {
      groups[group] = same_rows ? raised(floor["groups"][group], counts_of(tally)) : counts_of(tally);
    }
    floor = {{"levels", levels_}, {"rows", digest}, {"groups", std::move(groups)}};
    write_floors(all);
  }
  if (!same_rows && !raise) {
    if (!rows_are_ours) return {};
    return "the rows are not those the floors were taken with: PH_VECTORS_RAISE=1 takes them anew\n";
  }

  std::string under;
  bool above = false;
  for (const auto& [group, tally] : groups_) {
    for (std::size_t i = 0; i < levels_.size(); ++i) {
      const auto least = floor["groups"][group][i + 1].get<std::uint64_t>();
      above = above || tally.reached[i] > least;
      if (tally.reached[i] >= least) continue;
      under += fmt::format("{} {}: {} {} of {} rows, and it was {}. PH_VECTORS_SHOW='{} {}' shows the rows that differ.\n", set_,
                           group, levels_[i], tally.reached[i], tally.rows, least, set_, group);
    }
  }
  if (above && under.empty()) fmt::print("  better than the floor: PH_VECTORS_RAISE=1 raises it\n");
  return under;
}

bool is_shown(const std::string& set, const std::string& row) {
  static const std::string wanted = variable("PH_VECTORS_SHOW");
  static const std::regex pattern(wanted);
  return !wanted.empty() && std::regex_search(set + " " + row, pattern);
}

}  // namespace ph::vectors
