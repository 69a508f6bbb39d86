// ttl-after-finished: jobs that end, or seem to; TTLs that users raise, lower and take away until the last moment; names used again.
#include <fmt/format.h>

#include <algorithm>

#include "tests/sim/builders.h"
#include "tests/sim/swarm/swarm.h"

namespace ph::sim::swarm {
namespace {

using batch::v1::Job;

constexpr int kTtlMost = 40;

bool is_leaving(const Job& job) { return job.metadata().has_deletion_timestamp(); }

bool is_end(const batch::v1::JobCondition& condition) {
  return condition.status() == "True" && (condition.type() == "Complete" || condition.type() == "Failed");
}
bool has_ended(const Job& job) { return std::ranges::any_of(job.status().conditions(), is_end); }

// When the job has to go; nothing: never.
std::optional<Time> due(const Job& job) {
  if (!job.spec().has_ttl_seconds_after_finished()) return std::nullopt;
  for (const auto& condition : job.status().conditions()) {
    if (!is_end(condition)) continue;
    if (condition.last_transition_time().seconds() == 0) return std::nullopt;
    return Time(std::chrono::seconds(condition.last_transition_time().seconds() + job.spec().ttl_seconds_after_finished()));
  }
  return std::nullopt;
}

class TtlAfterFinished final : public Swarm {
 public:
  Setup setup(Draw&) override { return loops("ttl-after-finished"); }
  Faults faults() const override { return two_managers(60s, 0.03); }

  void begin() override {
    jobs_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (write.author.ends_with(":ttl-after-finished-controller")) by_the_loop(key, before, after);
    });
    for (int i = 0; i < 3; ++i) make();
  }

  void act() override {
    switch (draw().between(0, 9)) {
      case 0:
      case 1: return make();
      case 2:
      case 3:
      case 4: return finish();
      case 5:
      case 6: return change_ttl();
      case 7: return change_at_the_last_moment();
      case 8: remove_one(jobs_); return;
      default: cluster().advance(draw().up_to(20s));
    }
  }

  // Plays the garbage collector.
  void settle() override {
    for (const std::string& key : jobs_.keys()) {
      if (is_leaving(*jobs_.find(key)))
        attempt([&] { cluster().edit<Job>(key, [](Job& job) { job.mutable_metadata()->clear_finalizers(); }); });
    }
  }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    for (const auto& [key, job] : jobs_.all()) {
      if (const auto at = due(job)) out.push_back(fmt::format("{} was to go {} s ago", key, (cluster().now() - *at) / 1s));
    }
    return out;
  }

 private:
  void by_the_loop(const std::string& key, const Job* before, const Job* after) {
    if (!before || (after && !(is_leaving(*after) && !is_leaving(*before))))
      return judge().never(key + " was made or changed by the loop");
    judge().reached("jobs deleted by the loop");
    if (is_leaving(*before)) return judge().never(key + " was deleted once more");
    const auto at = due(*before);
    if (!at) return judge().never(key + " was deleted, and was to stay");
    if (*at > latest()) judge().never(fmt::format("{} was deleted {} ms before its time", key, (*at - latest()) / 1ms));
    if (*at > cluster().now()) judge().reached("jobs deleted after the clock was put back");
    if (changed_.contains(before->metadata().uid())) judge().reached("jobs deleted whose TTL was changed");
    if (!after) return judge().never(key + " was not deleted in the foreground");
  }

  void make() {
    JobBuilder job = make_job(fmt::format("default/job-{}", draw().between(0, 7)));
    if (draw().chance(0.8)) job.ttl(draw().between(0, kTtlMost));
    attempt([&] { cluster().create(job.object()); });
  }

  void finish() {
    const auto keys = jobs_.keys();
    if (keys.empty()) return;
    Job job = *jobs_.find(draw().of(keys));
    if (has_ended(job)) return;
    job.mutable_metadata()->clear_resource_version();
    // Not all of these are ends; what is bound to fail is not complete.
    static const std::vector<std::string> kTypes{"Complete", "Complete", "Failed", "Suspended", "FailureTarget"};
    std::string type = draw().of(kTypes);
    const bool is_true = draw().chance(0.9), has_time = draw().chance(0.9);
    if (type == "Complete" && job.status().conditions_size() > 0) type = "Failed";
    const bool ends = is_true && (type == "Complete" || type == "Failed");
    if (ends) {
      end_job(job, type, cluster().now());
    } else {
      auto& added = *job.mutable_status()->add_conditions();
      added.set_type(type);
      added.set_status(is_true ? "True" : "False");
      api::set_time(added.mutable_last_transition_time(), cluster().now());
    }
    if (!has_time) job.mutable_status()->mutable_conditions()->rbegin()->clear_last_transition_time();
    attempt([&] { cluster().update_status<Job>(job); });
  }

  void change(const std::string& key, std::optional<int> ttl) {
    const bool done = attempt([&] {
      cluster().edit<Job>(key, [&](Job& job) {
        if (ttl) job.mutable_spec()->set_ttl_seconds_after_finished(*ttl);
        else job.mutable_spec()->clear_ttl_seconds_after_finished();
      });
    });
    const Job* job = jobs_.find(key);
    if (done && job) changed_.insert(job->metadata().uid());
  }
  std::optional<int> some_ttl() {
    if (draw().chance(0.2)) return std::nullopt;
    return draw().between(0, kTtlMost);
  }
  void change_ttl() {
    const auto keys = jobs_.keys();
    if (!keys.empty()) change(draw().of(keys), some_ttl());
  }
  // Just before, or just after it is due: when the loop's request may be on its way.
  void change_at_the_last_moment() {
    for (const std::string& key : jobs_.keys()) {
      const Job* job = jobs_.find(key);
      const auto at = job && !is_leaving(*job) ? due(*job) : std::nullopt;
      if (!at) continue;
      const Duration left = *at - cluster().now() + draw().up_to(1s) - 500ms;
      if (left > 30s) continue;
      if (left > Duration::zero()) cluster().advance(left);
      if (!jobs_.find(key) || is_leaving(*jobs_.find(key))) continue;
      judge().reached("TTLs changed at the last moment");
      return change(key, draw().chance(0.7) ? std::optional(kTtlMost) : some_ttl());
    }
  }

  Shadow<Job> jobs_;
  std::set<std::string> changed_;  // UIDs
};

}  // namespace

std::unique_ptr<Swarm> ttl_after_finished() { return std::make_unique<TtlAfterFinished>(); }

}  // namespace ph::sim::swarm
