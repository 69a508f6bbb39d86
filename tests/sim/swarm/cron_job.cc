// cronjob: schedules of minutes that users change, suspend and resume; jobs that end, are deleted, or have the name that a run
// needs.
#include <fmt/format.h>

#include <algorithm>

#include "tests/sim/builders.h"
#include "tests/sim/swarm/kubelet.h"

namespace ph::sim::swarm {
namespace {

using batch::v1::CronJob;
using batch::v1::Job;

bool has_finished(const Job& job) {
  return std::ranges::any_of(job.status().conditions(), [](const auto& each) {
    return each.status() == "True" && (each.type() == "Complete" || each.type() == "Failed");
  });
}
bool is_active(const CronJob& cron, const std::string& uid) {
  return std::ranges::any_of(cron.status().active(), [&](const auto& each) { return each.uid() == uid; });
}

class CronJobs final : public Swarm {
 public:
  Setup setup(Draw&) override { return loops("cronjob"); }
  Faults faults() const override { return two_managers(120s, 0.03); }

  void begin() override {
    crons_.follow(cluster());
    jobs_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (!write.author.ends_with(":cronjob-controller")) return;
      if (!before) return created(key, *after);
      if (!after || after->metadata().has_deletion_timestamp()) return deleted(key, *before);
      judge().never(key + " was changed by the loop");
    });
    for (int i = 0; i < 2; ++i) make();
  }

  void act() override {
    switch (draw().between(0, 11)) {
      case 0:
      case 1: return make();
      case 2: edit_one<CronJob>(crons_, [](CronJob& cron) { cron.mutable_spec()->set_suspend(!cron.spec().suspend()); }); return;
      case 3:
        edit_one<CronJob>(crons_, [this](CronJob& cron) { cron.mutable_spec()->set_schedule(draw().of(kSchedules)); });
        return;
      case 4: edit_one<CronJob>(crons_, [this](CronJob& cron) { shape(*cron.mutable_spec()); }); return;
      case 5: remove_one(jobs_, informers::DeleteOptions::background()); return;
      case 6:
        if (draw().chance(0.3)) remove_one(crons_, informers::DeleteOptions::background());
        return;
      case 7: return take_a_name();
      case 8:
      case 9: return finish();
      default: cluster().advance(draw().up_to(90s));
    }
  }

  // Nothing runs any more, and all jobs end.
  void settle() override {
    for (const std::string& key : crons_.keys()) {
      if (!crons_.find(key)->spec().suspend())
        attempt([&] { cluster().edit<CronJob>(key, [](CronJob& cron) { cron.mutable_spec()->set_suspend(true); }); });
    }
    for (const std::string& key : jobs_.keys()) {
      const Job* job = jobs_.find(key);
      if (job && !has_finished(*job)) finish(*job);
    }
  }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    for (const auto& [key, cron] : crons_.all()) {
      int complete = 0, failed = 0;
      for (const auto& [name, job] : jobs_.all()) {
        if (controller_of(job.metadata()) != cron.metadata().uid()) continue;
        (job.status().has_completion_time() ? complete : failed) += has_finished(job);
        if (job.status().has_completion_time() &&
            job.status().completion_time().seconds() > cron.status().last_successful_time().seconds()) {
          out.push_back(fmt::format("{} does not know of the success of {}", key, name));
        }
      }
      if (complete > cron.spec().successful_jobs_history_limit())
        out.push_back(fmt::format("{} keeps {} successful jobs", key, complete));
      if (failed > cron.spec().failed_jobs_history_limit()) out.push_back(fmt::format("{} keeps {} failed jobs", key, failed));
      if (!cron.status().active().empty()) out.push_back(key + " has active jobs, and all have ended");
    }
    return out;
  }

  // Of jobs that are not in the list each look tells.
  bool may_write_at_rest(const std::string& line) const override { return line.find("/registry/events/") != std::string::npos; }

 private:
  inline static const std::vector<std::string> kSchedules{"* * * * *",  "*/2 * * * *", "*/3 * * * *",
                                                          "@every 45s", "0 0 31 2 *",  "1-59/2 * * * *"};
  inline static const std::vector<std::string> kPolicies{"Allow", "Forbid", "Replace"};  // each keeps its own

  const CronJob* owner_of(const Job& job) const {
    for (const auto& [key, cron] : crons_.all()) {
      if (cron.metadata().uid() == controller_of(job.metadata())) return &cron;
    }
    return nullptr;
  }

  void created(const std::string& key, const Job& job) {
    judge().reached("jobs started");
    const CronJob* cron = owner_of(job);
    const auto at = api::parse_rfc3339(job.metadata().annotations().at("batch.kubernetes.io/cronjob-scheduled-timestamp"));
    if (!at) return judge().never(key + " does not say what it was scheduled for");
    if (*at > latest()) judge().never(key + " was started before its time");
    const auto minutes = std::chrono::floor<std::chrono::minutes>(*at).time_since_epoch().count();
    if (!key.ends_with(fmt::format("-{}", minutes))) judge().never(key + " has the name of another run");
    if (!cron || !alone()) return;
    const auto& status = cron->status();
    if (status.has_last_schedule_time() && api::to_time(status.last_schedule_time()) == *at)
      judge().never(key + " was started again");
    if (cron->spec().concurrency_policy() != "Forbid") return;
    for (const auto& [name, other] : jobs_.all()) {
      // One that the status has not told yet may be overlooked.
      const bool beside =
          name != key && controller_of(other.metadata()) == cron->metadata().uid() && is_active(*cron, other.metadata().uid());
      if (beside && !has_finished(other)) judge().never(fmt::format("{} was started beside {}", key, name));
    }
  }

  void deleted(const std::string& key, const Job& job) {
    const CronJob* cron = owner_of(job);
    if (controller_of(job.metadata()).empty()) return judge().never(key + " was deleted, and is nobody's");
    judge().reached(has_finished(job) ? "finished jobs deleted" : "active jobs replaced");
    if (cron && !has_finished(job) && cron->spec().concurrency_policy() != "Replace") {
      judge().never(key + " was deleted before it had ended");
    }
  }

  void shape(batch::v1::CronJobSpec& spec) {
    spec.set_successful_jobs_history_limit(draw().between(0, 3));
    spec.set_failed_jobs_history_limit(draw().between(0, 2));
    if (draw().chance(0.3)) spec.set_starting_deadline_seconds(draw().between(0, 300));
    else spec.clear_starting_deadline_seconds();
  }
  void make() {
    CronJob cron;
    cron.mutable_metadata()->set_namespace_("default");
    cron.mutable_metadata()->set_name(fmt::format("cron-{}", draw().between(0, 3)));
    cron.mutable_spec()->set_schedule(draw().of(kSchedules));
    *cron.mutable_spec()->mutable_job_template()->mutable_spec() = make_job().object().spec();
    cron.mutable_spec()->set_concurrency_policy(draw().of(kPolicies));
    shape(*cron.mutable_spec());
    attempt([&] { cluster().create(cron); });
  }
  void take_a_name() {
    const auto keys = crons_.keys();
    if (keys.empty()) return;
    const auto minute =
        std::chrono::floor<std::chrono::minutes>(cluster().now()).time_since_epoch().count() + draw().between(0, 2);
    attempt([&] { cluster().create(make_job(fmt::format("{}-{}", draw().of(keys), minute)).object()); });
  }
  void finish() {
    const auto keys = jobs_.keys();
    if (keys.empty()) return;
    const Job job = *jobs_.find(draw().of(keys));
    if (!has_finished(job)) finish(job);
  }
  void finish(Job job) {
    job.mutable_metadata()->clear_resource_version();
    end_job(job, draw().chance(0.6) ? "Complete" : "Failed", cluster().now());
    attempt([&] { cluster().update_status<Job>(job); });
  }

  Shadow<CronJob> crons_;
  Shadow<Job> jobs_;
};

}  // namespace

std::unique_ptr<Swarm> cron_job() { return std::make_unique<CronJobs>(); }

}  // namespace ph::sim::swarm
