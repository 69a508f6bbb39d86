// One seed of one swarm, from its beginning to rest.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "api/codec.h"
#include "api/errors.h"
#include "tests/sim/digest.h"
#include "tests/sim/swarm/swarm.h"

namespace ph::sim::swarm {
namespace {

// So many seeds have one in which two managers run, and an election says which of them works.
constexpr std::uint64_t kElectedOneIn = 5;
constexpr int kStepsLeast = 15, kStepsMost = 35;
constexpr Duration kGapMost = 4s;
// The longest delays of retries (1000 s) and the collector's second look (5 min) are within these.
constexpr Duration kEndMost = 1h, kLook = 5s, kQuiet = 1min, kRest = 6min;

std::uint64_t seed_of(std::string_view name, std::uint64_t seed) { return digest(name) + seed * 0x9e3779b97f4a7c15ull; }

// Nothing is missing within `kEndMost`.
bool comes_to_its_end(Swarm& swarm, Cluster& cluster, Judge& judge) {
  std::vector<std::string> missing;
  for (Duration waited{}; waited < kEndMost; waited += kLook) {
    swarm.settle();
    cluster.advance(kLook);
    missing = swarm.missing();
    if (missing.empty()) return true;
    if (judge.failed()) return false;
  }
  for (const std::string& text : missing) judge.never("in the end: " + text);
  return false;
}

// Heartbeats of nodes, and what an election writes.
bool is_nobodys(const std::string& line) {
  return std::ranges::any_of(
      std::array{"/registry/leases/", "/registry/minions/", "/registry/events/kube-system/kube-controller-manager."},
      [&](const char* key) { return line.find(key) != std::string::npos; });
}

// New lines of the history, and the object that the last one is about.
void tell_all(Cluster& cluster, const Tell& tell) {
  cluster.on_write([&cluster, &tell, told = std::size_t{0}](const Cluster::Write& write) mutable {
    for (; told < cluster.history().size(); ++told) tell(cluster.history()[told]);
    const api::Schema* schema = write.object.empty() ? nullptr : api::Scheme::builtin().find(write.kind);
    if (!schema || write.kind.kind == "Event") return;
    const auto object = api::Scheme::builtin().make(*schema);
    api::decode_protobuf(write.object, *object);
    api::mutable_metadata(*object).clear_managed_fields();
    tell("    " + api::encode_json(*object));
  });
}

// Times that were written before the wall clock jumped back lie ahead, and what they are awaited for is still to come.
void catch_up_with_clock(Cluster& cluster) {
  const Duration behind = cluster.executor().sim_clock().behind();
  if (behind > Duration::zero()) cluster.advance(behind);
}

void rests(Swarm& swarm, Cluster& cluster, Judge& judge) {
  catch_up_with_clock(cluster);
  cluster.advance(kQuiet);
  if (!cluster.run_until_quiet(kEndMost, kQuiet)) return judge.never("at rest: writes go on and on");
  for (const std::string& text : swarm.missing()) judge.never("at rest: " + text);
  const std::size_t before = cluster.history().size();
  swarm.rest();
  cluster.restart_loops();
  cluster.advance(kRest);
  for (std::size_t i = before; i < cluster.history().size(); ++i) {
    const std::string& line = cluster.history()[i];
    if (!is_nobodys(line) && !swarm.may_write_at_rest(line))
      judge.never("at rest: after a restart of the loops something was written: " + line);
  }
}

}  // namespace

void Judge::never(std::string what) {
  if (std::ranges::find(complaints_, what) != complaints_.end()) return;
  if (complaints_.empty() && cluster_) history_size_ = cluster_->history().size();
  complaints_.push_back(std::move(what));
}

bool Swarm::attempt(const std::function<void()>& request) {
  try {
    request();
    return true;
  } catch (const api::ApiError& error) {
    const bool expected = error.code() == 403 || error.code() == 404 || error.code() == 409;
    if (!expected) judge().never(fmt::format("the workload is wrong: {}", error.what()));
    return false;
  }
}

// Several events may stall one after the other, and a cut watch is not resumed at once.
Duration Swarm::cache_age_most() const {
  const bool late = weather_.stalled > 0 || weather_.cut > 0 || weather_.expired > 0 || weather_.short_lived > 0 ||
                    weather_.slow > 0 || weather_.cut_off_every > Duration::zero();
  return late ? 60s : 2s;
}

Duration Swarm::request_most() const {
  const bool long_lasting =
      weather_.slow > 0 || weather_.too_many > 0 || weather_.unavailable > 0 || weather_.cut_off_every > Duration::zero();
  return (long_lasting ? 100s : 2 * weather_.delay_most) + weather_.late_most;
}

Result run(const Entry& entry, std::uint64_t seed, const Tell& tell) {
  Draw draw(seed_of(entry.name, seed));
  const auto swarm = entry.make();
  Setup setup = swarm->setup(draw);
  const Faults weather = swarm->faults().mixed(draw.rng());
  setup.elected(!setup.loop_names.empty() && seed % kElectedOneIn == 0);
  setup.seed(seed).faults(weather).replay(fmt::format("scripts/swarm {} 1 --seed {}", entry.name, seed));
  Judge judge;
  Cluster cluster(setup);
  judge.at(&cluster);
  if (tell) tell_all(cluster, tell);
  const Time begun = cluster.now();
  swarm->enter(cluster, draw, judge, weather);
  swarm->begin();
  const int steps = draw.between(kStepsLeast, kStepsMost);
  for (int i = 0; i < steps && !judge.failed(); ++i) {
    swarm->act();
    if (!draw.chance(0.3)) cluster.advance(draw.up_to(kGapMost));
  }
  if (!judge.failed()) {
    cluster.heal();
    const bool ended = comes_to_its_end(*swarm, cluster, judge);
    if (ended) rests(*swarm, cluster, judge);
  }

  Result out;
  out.seed = seed;
  out.complaints = judge.complaints();
  out.simulated = cluster.now() - begun;
  out.turns = cluster.turns();
  out.writes = static_cast<std::uint64_t>(
      std::ranges::count_if(cluster.history(), [](const std::string& line) { return !line.starts_with("fault "); }));
  if (judge.failed()) {
    out.history.assign(cluster.history().begin(), cluster.history().begin() + static_cast<std::ptrdiff_t>(judge.history_size()));
  }
  out.digest = kDigestBegin;
  for (const std::string& line : cluster.history()) out.digest = digest(line, out.digest);
  out.tally = cluster.tally();
  for (const auto& [path, count] : judge.paths()) out.tally.rare[path] += count;
  return out;
}

}  // namespace ph::sim::swarm
