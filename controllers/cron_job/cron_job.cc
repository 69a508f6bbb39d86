// cronjob: starts a Job at each time that a CronJob's schedule names, and keeps the last ones that have finished.
//
//   reads     batch/v1 CronJob, batch/v1 Job   informers; jobs that are missing, or whose name is taken, live
//             tzdata                           through Options::time_zone_file
//   writes    batch/v1 Job                     create, delete (in the background, pinned to the UID)
//             batch/v1 CronJob                 status
//             v1 Event                         SuccessfulCreate, SuccessfulDelete, SawCompletedJob, MissingJob, UnexpectedJob,
//                                              JobAlreadyActive, TooManyMissedTimes, FailedCreate, UnknownTimeZone,
//                                              UnparseableSchedule, UnsupportedSchedule, InvalidSchedule
//   upstream  pkg/controller/cronjob
//
// Which times a schedule names is in schedule.cc, what is due in plan.cc.
#include <map>

#include <fmt/format.h>

#include "api/saturating.h"
#include "api/times.h"
#include "base/metrics.h"
#include "controllers/common/ownership.h"
#include "controllers/common/same.h"
#include "controllers/cron_job/plan.h"
#include "controllers/runtime/options.h"

namespace ph::controllers {

using batch::v1::CronJob;
using batch::v1::Job;

namespace {

struct CronJobFamilies {
  Metrics* in = nullptr;

  Histogram skew = single<Histogram>(in, {Stability::Stable,
                                          "cronjob_controller_job_creation_skew_duration_seconds",
                                          "How long after their time jobs were made.",
                                          {},
                                          exponential_buckets(1, 2, 10)});
};

// Zones by name, each read once: tzdata does not change under a running process.
class Zones {
 public:
  explicit Zones(const Options* options) : options_(options) {}

  // Null: nobody knows a zone of that name.
  const cron_job::Zone* find(const std::string& name) {
    const auto known = known_.find(name);
    if (known != known_.end()) return &known->second;
    std::optional<cron_job::Zone> zone;
    if (name.empty() || name == "UTC") {
      zone = cron_job::Zone::utc();
    } else if (options_ && options_->time_zone_file && cron_job::Zone::is_name(name)) {
      const auto file = options_->time_zone_file(name);
      if (file) zone = cron_job::Zone::read(*file);
    }
    return zone ? &known_.emplace(name, std::move(*zone)).first->second : nullptr;
  }

 private:
  const Options* options_;
  std::map<std::string, cron_job::Zone> known_;
};

class CronJobs final : public Loop {
 public:
  explicit CronJobs(const World& world)
      : client_(world.client),
        clock_(world.clock),
        events_(world.events),
        crons_(world.informer<CronJob>()),
        jobs_(world.informer<Job>()),
        zones_(world.options),
        metrics_{world.metrics} {
    index_by_controller(jobs_);
  }

  Task<Outcome> reconcile(ObjectKey key) override {
    const Ref<CronJob> cron = crons_.find(key);
    const Ref<CronJob> before = std::exchange(seen_[key], cron);
    if (!cron) {
      seen_.erase(key);
      co_return Outcome::done();
    }
    // A changed schedule holds from its next time on: what it would have run before is looked for only when something else brings
    // the key. Upstream's rule, which users see.
    if (before && cron_job::only_rescheduled(*before, *cron)) co_return next_turn(*cron);
    const Outcome outcome = co_await look(cron);
    co_return outcome;
  }

 private:
  Task<Outcome> look(Ref<CronJob> cron) {
    const auto about = informers::reference_to(*cron);
    cron_job::Review review = cron_job::review(*cron, jobs_.by_index("controller", cron->metadata().uid()));
    for (const Ref<Job>& job : review.outlived) co_await remove(*job, about, review.status);
    tell(about, review.events);
    for (const core::v1::ObjectReference& job : review.missing) co_await look_for(job, about, review.status);

    Outcome outcome = Outcome::done();
    std::exception_ptr error;
    const bool stays = !cron->metadata().has_deletion_timestamp();
    const auto table = stays ? timetable(*cron, &about) : std::nullopt;
    if (table && !cron->spec().suspend()) {
      const cron_job::Plan plan = cron_job::plan(*cron, review.status, *table, clock_.now());
      tell(about, plan.events);
      if (plan.look_again) outcome = Outcome::again_at(*plan.look_again);
      if (plan.run) error = co_await run(*cron, *table, plan, about, review.status);
    }
    co_await write_status(*cron, std::move(review.status));
    if (error) std::rethrow_exception(error);
    co_return outcome;
  }

  Outcome next_turn(const CronJob& cron) {
    const auto table = timetable(cron, nullptr);
    const auto next = table ? cron_job::next_look(cron, cron.status(), *table, clock_.now()) : std::nullopt;
    return next ? Outcome::again_at(*next) : Outcome::done();
  }

  // Nothing: it cannot be read, which is told about the object (null: nobody is).
  std::optional<cron_job::Timetable> timetable(const CronJob& cron, const core::v1::ObjectReference* about) {
    const auto& spec = cron.spec();
    const auto warn = [&](const char* reason, std::string message) {
      if (about) events_.warning(*about, reason, std::move(message));
    };
    auto schedule = api::parse_schedule(spec.schedule());
    if (spec.schedule().find("TZ") != std::string::npos) {
      warn("UnsupportedSchedule",
           fmt::format("CRON_TZ or TZ used in schedule \"{}\" is not officially supported, see "
                       "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details",
                       spec.schedule()));
    }
    if (!schedule) {
      warn("UnparseableSchedule", fmt::format("unparseable schedule: \"{}\" : {}", spec.schedule(), schedule.error()));
      return std::nullopt;
    }
    const std::string& name = schedule->zone.empty() ? spec.time_zone() : schedule->zone;
    const cron_job::Zone* zone = zones_.find(name);
    if (!zone) {
      warn("UnknownTimeZone", fmt::format("invalid timeZone: \"{}\": unknown time zone {}", name, name));
      return std::nullopt;
    }
    return cron_job::Timetable{std::move(*schedule), *zone};
  }

  void tell(const core::v1::ObjectReference& about, const std::vector<cron_job::Event>& events) {
    for (const cron_job::Event& event : events)
      events_.record(about, event.warning ? "Warning" : "Normal", event.reason, event.message);
  }

  // A job that is active by the status: it may be newer than our copy of the jobs.
  Task<void> look_for(core::v1::ObjectReference job, const core::v1::ObjectReference& about, batch::v1::CronJobStatus& status) {
    const std::optional<Job> live = co_await client_.find<Job>({job.namespace_(), job.name()});
    if (live && live->metadata().uid() == job.uid()) co_return;
    events_.normal(about, "MissingJob", "Active job went missing: " + job.name());
    cron_job::drop_active(status, job.uid());
  }

  Task<void> remove(const Job& job, const core::v1::ObjectReference& about, batch::v1::CronJobStatus& status) {
    co_await remove(key_of(job), job.metadata().uid(), about, status);
  }
  Task<void> remove(ObjectKey key, std::string uid, const core::v1::ObjectReference& about, batch::v1::CronJobStatus& status) {
    const Removed removed = co_await client_.remove<Job>(key, DeleteOptions::background(uid));
    cron_job::drop_active(status, uid);
    if (removed == Removed::Yes) events_.normal(about, "SuccessfulDelete", "Deleted job " + key.name);
  }

  // Starts the run that is due, and says so in `status`. What the server refused.
  Task<std::exception_ptr> run(const CronJob& cron, const cron_job::Timetable& table, const cron_job::Plan& plan,
                               const core::v1::ObjectReference& about, batch::v1::CronJobStatus& status) {
    if (plan.replace) {
      const auto active = status.active();
      for (const core::v1::ObjectReference& job : active)
        co_await remove({job.namespace_(), job.name()}, job.uid(), about, status);
    }
    Created<Job> created = co_await client_.try_create<Job>(cron_job::make_job(cron, table, *plan.run));
    if (created.made == Made::NamespaceEnding) co_return nullptr;
    if (created.made == Made::Refused) {
      events_.warning(about, "FailedCreate", fmt::format("Error creating job: {}", created.refusal->what()));
      co_return std::make_exception_ptr(*created.refusal);
    }
    if (created.made == Made::Exists) {
      // Made before, and not told in the status; or somebody else's, who has taken this run upon himself.
      const auto live = co_await client_.find<Job>(key_of(created.object));
      if (!live || controller_uid(*live) != cron.metadata().uid()) co_return nullptr;
      created.object = *live;
    } else {
      metrics_.skew.observe(api::elapsed(Time(*plan.run), api::to_time(created.object.metadata().creation_timestamp())));
      events_.normal(about, "SuccessfulCreate", "Created job " + created.object.metadata().name());
    }
    *status.add_active() = informers::reference_to(created.object);
    api::set_time(status.mutable_last_schedule_time(), Time(*plan.run));
    co_return nullptr;
  }

  Task<void> write_status(CronJob cron, batch::v1::CronJobStatus status) {
    if (says_same(cron.status(), status)) co_return;
    *cron.mutable_status() = std::move(status);
    // One that was deleted meanwhile needs none.
    co_await client_.try_update_status<CronJob>(std::move(cron));
  }

  Client& client_;
  const Clock& clock_;
  EventRecorder& events_;
  Informer<CronJob>& crons_;
  Informer<Job>& jobs_;
  Zones zones_;
  const CronJobFamilies metrics_;
  std::map<ObjectKey, Ref<CronJob>> seen_;  // at the last look
};

}  // namespace

void cron_job_loop(LoopBuilder& loop) { loop.reconciles<CronJob>().owns<CronJob, Job>().with<CronJobs>(); }

}  // namespace ph::controllers
